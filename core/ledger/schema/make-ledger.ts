/**
 * Makes the ledger, or upgrades an older one to the newest version: in one transaction, with the files of `sql/ledger/versions/`.
 */
import type { Client } from 'pg';
import { LedgerVersionRefused } from '../../contracts/errors.ts';
import { sqlStateOf, toNamedError } from '../../postgres/postgres-errors.ts';
import { inTransaction } from '../../postgres/session/transactions.ts';
import { run, runOne } from '../../postgres/sql.ts';
import { readSql } from '../../postgres/sql-files.ts';
import { noteEvent } from '../notes/events.ts';
import { admitWriter, forgetLink, identityValues, readIdentity, readUnmatched, requireLinked } from './identity.ts';
import { checkLedger, checkLedgerAtEntry, type LedgerState, refuseDrift } from './state.ts';

/** File N makes version N. */
const VERSIONS = [
  'versions/001-tables',
  'versions/002-one-shape',
  'versions/003-identity-and-evidence',
  'versions/004-what-was-approved',
  'versions/005-proofs',
  'versions/006-current-catalog',
] as const;

/** Made again with each new version. */
const CURRENT = ['functions', 'views', 'withdraw'] as const;

/** The statements that make a new ledger in a database that has none. */
export function newLedger(): string {
  return ['create-schema', 'name-schema', ...VERSIONS, ...CURRENT].map((name) => readSql(`ledger/${name}`)).join('\n');
}

/** The statements that upgrade this database's ledger to the newest version; none where it has that. Writes nothing. */
export async function makeLedgerStatements(client: Client): Promise<string[]> {
  const { has_tables: hasTables, present, is_older: isOlder } = await checkLedger(client);
  if (hasTables && !isOlder) return [];
  const version = await versionOf(client, hasTables);
  const schema = present ? [] : ['create-schema'];
  return [...schema, 'name-schema', ...VERSIONS.slice(version), ...CURRENT].map((name) => readSql(`ledger/${name}`));
}

/** duplicate_schema, and a violation of pg_namespace's unique index where the other transaction has not committed yet. */
const MADE_BY_ANOTHER = new Set(['42P06', '23505']);

/**
 * Makes or upgrades the ledger. Safe to call repeatedly, and several times at once. If the ledger is the newest, only its views
 * are made again, if they differ.
 *
 * @returns why its views stay as an older p2pfk has made them, in one line; empty where they do not
 * @throws LedgerNotTrusted, LedgerVersionRefused as {@link checkLedger}, and where its shape is not that of its version
 * @throws LedgerElsewhere as {@link admitWriter}
 */
export async function ensureLedger(client: Client): Promise<string> {
  const viewsKept = await makeLedger(client);
  await admitWriter(client, false);
  return viewsKept;
}

/** Does not check which database the ledger belongs to. Returns as {@link ensureLedger}. */
async function makeLedger(client: Client): Promise<string> {
  const { readable, is_older: isOlder, is_copy: isCopy } = await checkLedger(client);
  if (isCopy)
    throw new LedgerVersionRefused(
      'refused, nothing was changed: the schema p2pfk of this database is a copy of the ledger of the database that it subscribes to',
    );
  try {
    return await inTransaction(client, async () => {
      const isNewest = readable && !isOlder;
      if (isNewest) await repairSequences(client);
      const noted = { pair: null, step: LEDGER_STEP, durationMs: null };
      for (const sql of await (isNewest ? refreshViews(client) : makeOrUpgrade(client)))
        await noteEvent(client, null, { ...noted, sql, error: null });
      const { views_kept: kept } = await runOne(client, 'ledger/views-outcome');
      if (kept !== '') await noteEvent(client, null, { ...noted, sql: null, error: kept });
      if (!isNewest) await run(client, 'ledger/settle-sequences');
      return kept;
    });
  } catch (error) {
    throw toNamedError(error);
  }
}

/**
 * Prepares an existing ledger for work that begins: an older one is upgraded. Does nothing where there is none.
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

/** See `sql/ledger/repair-sequences.sql`. Where this role may not do that, the ledger's owner has to. */
async function repairSequences(client: Client): Promise<void> {
  const { may } = await runOne(client, 'ledger/may-set-sequences');
  if (may) await run(client, 'ledger/repair-sequences');
}

/**
 * Prepares the ledger for work that finishes what has begun: as {@link prepareLedger}, but a newest ledger's shape and its
 * database are not checked.
 */
export async function upgradeLedger(client: Client): Promise<void> {
  if ((await checkLedger(client)).is_older) await makeLedger(client);
}

/**
 * {@link upgradeLedger} at the entry of a step.
 *
 * @throws LedgerElsewhere when the ledger belongs to another database
 */
export async function enterLedger(client: Client): Promise<void> {
  const { readable, is_older: isOlder } = await checkLedgerAtEntry(client);
  if (isOlder) await makeLedger(client);
  else if (readable) await requireLinked(client, false);
}

/** Step in the ledger's events about itself. */
const LEDGER_STEP = 'Ledger';

/**
 * Makes the views again where a person has changed or dropped them; they are only for people.
 *
 * @returns the statements that changed something
 */
async function refreshViews(client: Client): Promise<string[]> {
  await refuseDrift(client);
  await underCallersPath(client, () => client.query(readSql('ledger/views')));
  return (await runOne(client, 'ledger/views-outcome')).views_made ? [readSql('ledger/views')] : [];
}

/** @returns the statements that it ran, to be noted in the ledger that they have made */
async function makeOrUpgrade(client: Client): Promise<string[]> {
  const ran: string[] = [];
  const runFile = async (name: string) => {
    await client.query(readSql(`ledger/${name}`));
    ran.push(readSql(`ledger/${name}`));
  };
  if (!(await checkLedger(client)).present) await underCallersPath(client, () => createSchema(client, runFile));
  await underCallersPath(client, () => runFile('name-schema'));
  // Checked again: another session may have made it while this one waited for the schema.
  const found = await checkLedger(client);
  if (!found.has_tables || found.is_older) await upgrade(client, found, runFile);
  await checkLedger(client);
  await refuseDrift(client);
  return ran;
}

/**
 * Runs DDL under the caller's search_path, so that event triggers of the application find the names that they use. Our queries
 * run under our own.
 */
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

/** The version of the ledger; 0 where it has no table yet. */
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
