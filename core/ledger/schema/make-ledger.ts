/** Makes the ledger, or brings an older one to the newest version: in one transaction, by the files of `sql/ledger/versions/`. */
import type { Client } from 'pg';
import { LedgerVersionRefused } from '../../contracts/errors.ts';
import { sqlStateOf, toNamedError } from '../../postgres/postgres-errors.ts';
import { inTransaction } from '../../postgres/session/transactions.ts';
import { run, runOne } from '../../postgres/sql.ts';
import { readSql } from '../../postgres/sql-files.ts';
import { noteEvent } from '../notes/events.ts';
import { admitWriter, forgetLink, identityValues, readIdentity, readUnmatched } from './identity.ts';
import { checkLedger, type LedgerState, refuseDrift } from './state.ts';

/** File N makes version N. */
const VERSIONS = ['versions/001-tables', 'versions/002-one-shape', 'versions/003-identity-and-evidence'] as const;

/** Made anew with each new version. */
const CURRENT = ['functions', 'views', 'withdraw'] as const;

/** The statements that make a new ledger in a database that has none. */
export function newLedger(): string {
  return ['create-schema', 'name-schema', ...VERSIONS, ...CURRENT].map((name) => readSql(`ledger/${name}`)).join('\n');
}

/** The statements that bring this database's ledger to the newest version; none where it has that. Writes nothing. */
export async function makeLedgerStatements(client: Client): Promise<string[]> {
  const { has_tables: hasTables, present, is_older: isOlder } = await checkLedger(client);
  if (hasTables && !isOlder) return [];
  const version = await versionOf(client, hasTables);
  const schema = present ? [] : ['create-schema'];
  return [...schema, 'name-schema', ...VERSIONS.slice(version), ...CURRENT].map((name) => readSql(`ledger/${name}`));
}

/** duplicate_schema, and the unique index of pg_namespace where the other one has not committed yet. */
const MADE_BY_ANOTHER = new Set(['42P06', '23505']);

/**
 * Safe to call again, and several times at once. Where the ledger is the newest, only its views are made anew, if they differ.
 *
 * @throws LedgerNotTrusted, LedgerVersionRefused as {@link checkLedger}, and where its shape is not that of its version
 * @throws LedgerElsewhere as {@link admitWriter}
 */
export async function ensureLedger(client: Client): Promise<void> {
  await makeLedger(client);
  await admitWriter(client, false);
}

/** Does not ask which database the ledger belongs to. */
async function makeLedger(client: Client): Promise<void> {
  const { readable, is_older: isOlder, is_copy: isCopy } = await checkLedger(client);
  if (isCopy)
    throw new LedgerVersionRefused(
      'refused, nothing was changed: the schema p2pfk of this database is a copy of the ledger of the database that it subscribes to',
    );
  try {
    await inTransaction(client, async () => {
      const isNewest = readable && !isOlder;
      if (isNewest) await repairSequences(client);
      for (const sql of await (isNewest ? refreshViews(client) : makeOrUpgrade(client)))
        await noteEvent(client, null, { pair: null, step: LEDGER_STEP, sql, durationMs: null, error: null });
      if (!isNewest) await run(client, 'ledger/settle-sequences');
    });
  } catch (error) {
    throw toNamedError(error);
  }
}

/**
 * For work that begins on a ledger that is there: an older one is upgraded. Does nothing where there is none.
 *
 * @throws as {@link ensureLedger}
 */
export async function prepareLedger(client: Client): Promise<void> {
  await upgradeLedger(client);
  if (!(await checkLedger(client)).readable) return;
  await refuseDrift(client);
  await repairSequences(client);
  await admitWriter(client, false);
}

/** See `sql/ledger/repair-sequences.sql`. Left to the ledger's owner where this role may not. */
async function repairSequences(client: Client): Promise<void> {
  const { may } = await runOne(client, 'ledger/may-set-sequences');
  if (may) await run(client, 'ledger/repair-sequences');
}

/** For work that finishes what has begun: as {@link prepareLedger}, without a look at the newest one's shape or the database. */
export async function upgradeLedger(client: Client): Promise<void> {
  if ((await checkLedger(client)).is_older) await makeLedger(client);
}

/** What the ledger's own events name as their step. */
const LEDGER_STEP = 'Ledger';

/** The views are for people, and are made anew where somebody has changed or dropped them. @returns the statements that changed something */
async function refreshViews(client: Client): Promise<string[]> {
  await refuseDrift(client);
  const before = await viewOid(client);
  await underCallersPath(client, () => client.query(readSql('ledger/views')));
  return (await viewOid(client)) === before ? [] : [readSql('ledger/views')];
}

/** Views that are made anew are others. */
async function viewOid(client: Client): Promise<number | null> {
  return (await runOne(client, 'ledger/view-oid')).oid;
}

/** @returns the statements that it ran, for the ledger that they have made */
async function makeOrUpgrade(client: Client): Promise<string[]> {
  const ran: string[] = [];
  const runFile = async (name: string) => {
    await client.query(readSql(`ledger/${name}`));
    ran.push(readSql(`ledger/${name}`));
  };
  if (!(await checkLedger(client)).present) await underCallersPath(client, () => createSchema(client, runFile));
  await underCallersPath(client, () => runFile('name-schema'));
  // Asked again: another one may have made it while this one waited for the schema.
  const found = await checkLedger(client);
  if (!found.has_tables || found.is_older) await upgrade(client, found, runFile);
  await checkLedger(client);
  await refuseDrift(client);
  return ran;
}

/** Only for DDL: event triggers of the application find what they name. What we ask is asked under our own path. */
async function underCallersPath(client: Client, work: () => Promise<unknown>): Promise<void> {
  await run(client, 'ledger/search-path');
  await work();
  await client.query('SET LOCAL search_path = pg_catalog, pg_temp');
}

type RunFile = (name: string) => Promise<void>;

async function createSchema(client: Client, runFile: RunFile): Promise<void> {
  await client.query('SAVEPOINT ledger');
  try {
    await runFile('create-schema');
    await runFile('withdraw');
  } catch (error) {
    if (!MADE_BY_ANOTHER.has(sqlStateOf(error) ?? '')) throw toNamedError(error, readSql('ledger/create-schema'));
    await client.query('ROLLBACK TO SAVEPOINT ledger');
    await checkLedger(client);
  }
}

/** 0: there is no table yet. */
async function versionOf(client: Client, hasTables: boolean): Promise<number> {
  return hasTables ? ((await runOne(client, 'ledger/version')).ledger_version ?? 0) : 0;
}

async function upgrade(client: Client, { has_tables: hasTables }: LedgerState, runFile: RunFile): Promise<void> {
  const version = await versionOf(client, hasTables);
  await underCallersPath(client, async () => {
    for (const name of [...VERSIONS.slice(version), ...CURRENT]) await runFile(name);
  });
  const values = identityValues(await readIdentity(client));
  await run(client, 'ledger/link-first', { ...values, unmatched: await readUnmatched(client) });
  forgetLink(client);
}
