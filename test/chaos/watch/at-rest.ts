/** The database after a schedule: as it was or migrated, every row where it belongs, and nothing of ours left over. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { catalogSnapshot } from '../../support/catalog.ts';
import { withoutMigrationNumber } from '../harness/case.ts';
import { withoutDbaPairs } from '../harness/dba-pair.ts';
import { compare, type Share } from './account.ts';

/** A backend that lost its client ends when its statement does. */
const SESSIONS_END_WITHIN_MS = 10_000;

/** @param wanted the catalog as it has to be, migration numbers left out */
export async function checkAtRest(client: Client, wanted: string, shares: readonly Share[]): Promise<string[]> {
  return [
    ...(await sessionsLeft(client)),
    ...(await ledgerAtRest(client)),
    ...differences(wanted, comparable(await catalogSnapshot(client))),
    ...(await compare(client, shares)).map((difference) => `I2: ${difference}`),
  ];
}

/** After a late delivery: the catalog is the same, and nobody is about to undo what was done. */
export async function checkUntouched(client: Client, wanted: string): Promise<string[]> {
  const exists = await ledgerExists(client);
  const { rows } = exists
    ? await client.query<{ id: string }>("SELECT id::text FROM p2pfk.migration WHERE state = 'rolling-back'")
    : { rows: [] };
  return [
    ...differences(wanted, comparable(await catalogSnapshot(client))),
    ...rows.map(({ id }) => `migration ${id}, which was at rest, is being rolled back`),
  ];
}

const comparable = (snapshot: string): string => withoutDbaPairs(withoutMigrationNumber(snapshot));

async function ledgerExists(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ exists: boolean }>(
    "SELECT to_regclass('p2pfk.migration') IS NOT NULL AS exists",
  );
  return rows[0]?.exists ?? false;
}

async function sessionsLeft(client: Client): Promise<string[]> {
  const deadline = performance.now() + SESSIONS_END_WITHIN_MS;
  for (;;) {
    const { rows } = await client.query<{ line: string }>(
      `SELECT format('%s (%s): %s', application_name, state, left(query, 120)) AS line FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'p2pfk%'`,
    );
    if (rows.length === 0) return [];
    if (performance.now() > deadline) return [`sessions of ours are left: ${rows.map(({ line }) => line).join('; ')}`];
    await delay(50);
  }
}

/** Nothing under way, and at most one migration that is not rolled back. */
async function ledgerAtRest(client: Client): Promise<string[]> {
  if (!(await ledgerExists(client))) return [];
  const { rows } = await client.query<{ id: string; state: string }>(
    'SELECT id::text, state FROM p2pfk.migration ORDER BY id',
  );
  const { rows: parents } = await client.query<{ standing: boolean }>(
    "SELECT EXISTS (SELECT FROM pg_constraint WHERE conname = 'path_fk' AND conrelid = 'path'::regclass) AS standing",
  );
  const rest = rows.at(-1)?.state;
  const open = rows.filter(({ state }) => state !== 'rolled-back');
  const wanted = parents[0]?.standing ? 'rolled-back' : 'migrated';
  const wrong =
    open.some(({ state }) => state !== 'migrated') || open.length > 1 || (rest !== undefined && rest !== wanted);
  return wrong
    ? [`ledger not at rest: ${rows.map(({ id, state }) => `${id} ${state}`).join(', ')}; ${wanted} was to be expected`]
    : [];
}

function differences(wanted: string, found: string): string[] {
  if (wanted === found) return [];
  const before = wanted.split('\n');
  const after = found.split('\n');
  const missing = before.filter((line) => !after.includes(line));
  const surplus = after.filter((line) => !before.includes(line));
  return [
    `I3: the catalog is another:${missing.map((line) => `\n  - ${line}`).join('')}${surplus.map((line) => `\n  + ${line}`).join('')}`,
  ];
}
