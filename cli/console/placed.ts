/** An execution with its own migration as the ledger has it now, and the checks that refuse an action on them. */
import type { Client } from 'pg';
import { InvalidInput, LedgerElsewhere } from '../../core/contracts/errors.ts';
import type { TrailMigration } from '../../core/contracts/trail.ts';
import { connectReadOnly } from '../../core/ledger/connect.ts';
import { readShown, refuseChanged } from '../../core/ledger/shown.ts';
import { executionArn } from '../../local/step-functions/arns.ts';
import type { Report } from '../../report/contracts.ts';
import { buildReport } from '../../report/report.ts';
import { placeOf } from '../../report/words.ts';
import { type Place, readSources } from '../report/sources.ts';
import type { ConsoleContext } from './context.ts';
import { type Actions, actionsFor } from './pages/execution.ts';

export interface Placed {
  readonly report: Report;
  readonly place: Place;
  /** The execution's own migration; null where it has none, or the ledger could not be read. */
  readonly migration: TrailMigration | null;
}

export async function reportOf({ client, databaseUrl }: ConsoleContext, name: string): Promise<Placed> {
  const sources = await readSources({ client, executionArn: executionArn(name), databaseUrl, withLedger: true });
  return { report: buildReport(sources), place: sources.place, migration: sources.trail?.migration ?? null };
}

export function actionsOf({ isOwn = () => false }: ConsoleContext, placed: Placed, name: string): Actions {
  return actionsFor(placed.report, placed.migration, placed.place, isOwn(executionArn(name)));
}

/** @throws LedgerElsewhere if the execution did not work on the database that the console serves, or if its database is unknown */
export function refuseElsewhere(
  { isOwn = () => false, database }: ConsoleContext,
  { report, place }: Placed,
  name: string,
  action: string,
): void {
  if (place === 'same' || (action === 'stop' && isOwn(executionArn(name)))) return;
  const where = report.workedOn === null ? 'a database that it did not record' : placeOf(report.workedOn);
  throw new LedgerElsewhere(
    `Nothing was changed: this execution worked on ${where}, and this console acts on ${database} alone. ${report.notes.join(' ')}`.trim(),
  );
}

/**
 * @param shown stamp of the migration as the page of the form showed it; see core/ledger/shown.ts
 * @throws InvalidInput if the migration of the execution is a different one by now, or has changed
 */
export async function refuseOther({ databaseUrl }: ConsoleContext, { report }: Placed, shown: string): Promise<void> {
  const { migrationId } = report.subject;
  if (migrationId === null) return;
  await onDatabase(databaseUrl, async (client) => refuseChanged(await readShown(client, migrationId), shown));
}

/** @throws InvalidInput if the page of the execution has no button for the action now */
export function refuseUnfit(context: ConsoleContext, placed: Placed, name: string, action: string): void {
  const fitting: Readonly<Record<string, boolean>> = { ...actionsOf(context, placed, name) };
  if (fitting[action] === true) return;
  throw new InvalidInput(`Nothing was changed: ${ACTIONS[action] ?? action} does not apply now: ${presentOf(placed)}`);
}

const ACTIONS: Readonly<Record<string, string>> = {
  stop: 'to stop it',
  approve: 'an approval',
  withdraw: 'a withdrawal',
  rollback: 'a rollback',
  resume: 'to go on',
};

function presentOf({ report, migration }: Placed): string {
  if (migration === null) return 'the ledger has no migration of this execution';
  const { id, constraint, table, state, execution } = migration;
  const owner =
    execution === report.execution.arn ? '' : `, and another execution has worked on it since: ${execution}`;
  return `migration ${id} of ${constraint} on ${table} is ${state}${owner}`;
}

/** A session for one question. */
export async function onDatabase<Result>(
  databaseUrl: string | undefined,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk console' });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
