/** Migrations in the ledger, schema `p2pfk`. The ledger explains and fences; what is done is read from the catalog. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pairing } from '../catalog/pairs.ts';
import type { MigrationOptions, MigrationState } from '../contracts/column-types.ts';
import type { Blocked, MigratedPair, Rehearsal, Verification } from '../contracts/documents.ts';
import { MigrationFenced, MigrationInProgress } from '../contracts/errors.ts';
import { shellWord } from '../contracts/safe-text.ts';
import { sqlStateOf, toNamedError } from '../postgres/postgres-errors.ts';
import { runAsLogin } from '../postgres/session/as-login.ts';
import { inTransaction } from '../postgres/session/transactions.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { requireForeignKeyTexts } from './foreign-key-texts.ts';
import { livenessKeyOf } from './liveness.ts';
import { noteEvent, readBlocked } from './notes/events.ts';
import { asNote } from './notes/notes.ts';
import { readPairs } from './pairs.ts';
import { isLinked, readIdentity } from './schema/identity.ts';
import { isLedgerReadable } from './schema/state.ts';

export type { MigrationOptions, MigrationState } from '../contracts/column-types.ts';

/** The migration that was to be taken over was rolled back meanwhile. */
export class RolledBackMeanwhile extends MigrationInProgress {}

/** The id of the next migration, which becomes a part of the names of its row-movement guards. */
export async function nextMigrationId(client: Client): Promise<string> {
  if (!(await isLedgerReadable(client))) return '1';
  return (await runOne(client, 'ledger/next-migration')).id;
}

/**
 * One row of p2pfk.migration that is not rolled back. It has everything of a {@link ForeignKey} except the names of keys for its
 * oids. COMMENT ON COLUMN in `sql/ledger/versions/` explains the columns.
 */
export type LedgerMigration = Row<'ledger/open-migrations'>;

/**
 * A migration, with its parent FK in the catalog, and its deadline by the database's clock; see `sql/ledger/read-migration.sql`.
 */
export type Migration = Row<'ledger/read-migration'>;

/** Columns of p2pfk.migration to change; absent ones keep their values. */
export interface MigrationChanges {
  readonly state?: MigrationState;
  readonly approval_asked_at?: string;
  readonly rehearsal?: Rehearsal;
  readonly dropped_at?: string | null;
  readonly finished_at?: string;
  readonly locked_ms?: number;
  readonly verification?: Verification;
  readonly error?: { readonly name: string; readonly message: string };
}

/** The migrations of a table that are not rolled back; none where there is no ledger, or none that this role may read. */
export async function openMigrations(client: Client, tableOid: number): Promise<LedgerMigration[]> {
  if (!(await isLedgerReadable(client))) return [];
  const rows = await run(client, 'ledger/open-migrations', {
    table_oid: tableOid,
  });
  return rows.map(requireForeignKeyTexts);
}

/**
 * Opens the migration of a foreign key for this execution, or takes over the open one, and updates its pairs. A pair that no
 * longer exists is removed only if nothing of ours is left on it: see `core/steps/release-pairs.ts`.
 *
 * @throws MigrationInProgress when another execution works on it; the message says which one, and since when
 * @throws RolledBackMeanwhile when the open one is rolled back by the time that it would be taken over
 */
export async function openMigration(
  client: Client,
  foreignKey: ForeignKey,
  pairing: Pairing,
  options: MigrationOptions,
  execution: string,
  purpose: 'migrate' | 'rollback' = 'migrate',
): Promise<{ readonly id: string; readonly state: MigrationState }> {
  return inTransaction(client, async () => {
    const { migrationId } = foreignKey;
    const before = migrationId === null ? null : await readMigration(client, migrationId);
    const opened = before
      ? await takeOver(client, before.id, options, execution)
      : await insertMigration(client, foreignKey, options, execution);
    await noteEvent(client, opened.id, {
      execution,
      pair: null,
      step: 'Plan',
      sql: null,
      durationMs: null,
      error: null,
    });
    if (opened.state === 'running') {
      if (before && purpose === 'migrate' && foreignKey.constraint_oid !== null)
        await run(client, 'ledger/note-firing', { migration_id: opened.id, firing: foreignKey.firing });
      const values = { migration_id: opened.id, pairs: pairing.pairs };
      // Dropped and not yet verified: partitions that were attached since do not belong to this migration, and must not cause its
      // rollback.
      const isFixed = purpose === 'migrate' && before?.constraint_oid === null && before.state !== 'migrated';
      if (!isFixed) {
        await run(client, 'ledger/forget-pairs', values);
        await run(client, 'ledger/add-pairs', values);
      }
      await run(client, 'ledger/refresh-pairs', values);
    }
    return opened;
  });
}

/** Another execution that has worked on the same opening of a maintenance window. */
export async function workedOnOpening(
  client: Client,
  foreignKey: ForeignKey,
  opensAt: string,
  execution: string,
): Promise<{ readonly id: string; readonly execution: string; readonly state: MigrationState } | undefined> {
  if (!(await isLedgerReadable(client))) return undefined;
  const [found] = await run(client, 'ledger/same-opening', {
    table_oid: foreignKey.referencing_oid,
    constraint_name: foreignKey.constraint_name,
    opens_at: opensAt,
    execution,
  });
  return found;
}

async function insertMigration(client: Client, foreignKey: ForeignKey, options: MigrationOptions, execution: string) {
  try {
    const { endpoint } = await readIdentity(client);
    const { id } = await runOne(client, 'ledger/insert-migration', {
      ...foreignKey,
      endpoint,
      referenced_table: foreignKey.referencedTable,
      options,
      execution,
      liveness_key: livenessKeyOf(execution),
    });
    return { id, state: 'running' as const };
  } catch (error) {
    const named = toNamedError(error);
    if (named.context.sqlState !== '23505') throw named;
    throw new MigrationInProgress(
      `another execution has just begun to migrate ${foreignKey.constraint_name} of ${foreignKey.table}; p2pfk status --table ${shellWord(foreignKey.table)} says which; or try again when it has ended`,
    );
  }
}

async function takeOver(client: Client, id: string, options: MigrationOptions, execution: string) {
  const [taken] = await run(client, 'ledger/take-over', {
    migration_id: id,
    options,
    execution,
    liveness_key: livenessKeyOf(execution),
    endpoint: (await readIdentity(client)).endpoint,
  });
  if (taken) return taken;
  const { state, constraint_name, table_name } = await readMigration(client, id);
  if (state === 'rolled-back')
    throw new RolledBackMeanwhile(
      `migration ${id} of ${constraint_name} on ${table_name} was rolled back meanwhile, and nothing was begun: run the same command again`,
    );
  throw new MigrationInProgress(await describeOwner(client, id));
}

/** One line about the owner: which execution, since when, how to watch it, and how to stop it. */
async function describeOwner(client: Client, id: string): Promise<string> {
  const { constraint_name, table_name, execution, state, started_at, lease_until } = await readMigration(client, id);
  const sessions = await run(client, 'ledger/owner-sessions', { migration_id: id });
  const [owner] = await runAsLogin(client, 'ledger/owner', { pids: sessions.map(({ pid }) => pid) });
  const { user, address, since } = owner ?? { user: null, address: null, since: null };
  const leased = new Date(lease_until).toISOString().replace(/\.\d+/, '');
  const who = since
    ? `at work since ${since} as ${user ?? 'a role that this one may not see'}${address ? ` from ${address}` : ''}`
    : `not seen at work; it counts as alive until ${leased}`;
  // A machine that died may leave its session for a minute, a network that drops packets for longer.
  const pids = sessions.map(({ pid }) => `pg_terminate_backend(${pid})`);
  const gone = pids.length === 0 ? '' : `; if its client is gone, end its session: SELECT ${pids.join(', ')}`;
  return `migration ${id} of ${constraint_name} on ${table_name} is being worked on by ${execution} (${who}; state ${state}, migration begun ${new Date(started_at).toISOString()}); ${howToWatch(execution, table_name)}; or stop that execution first${gone}`;
}

/** Only an execution has a history to follow: a psql script and reconciliation write the ledger, and nothing else. */
function howToWatch(execution: string, table: string): string {
  const status = `p2pfk status --table ${shellWord(table)}`;
  const isExecution = /^arn:aws[\w-]*:states:[a-z0-9-]+:\d{12}:execution:[^:\s]+:(?!psql-)[^:\s]+$/.test(execution);
  if (!isExecution) return `look at it with: ${status}`;
  return `watch it with: p2pfk watch --execution ${shellWord(execution)} (on another machine: ${status})`;
}

/** @throws MigrationFenced where this database has no ledger, none that this role may read, or no such migration in it */
export async function readMigration(client: Client, id: string): Promise<Migration> {
  const readable = isLinked(client) || (await isLedgerReadable(client));
  if (!readable) throw new MigrationFenced(`migration ${id} is not in the ledger of this database`);
  const found = run(client, 'ledger/read-migration', { migration_id: id });
  const [migration] = await found.catch((error: unknown) => {
    if (UNREADABLE.has(sqlStateOf(error) ?? '')) return [];
    throw error;
  });
  if (!migration) throw new MigrationFenced(`migration ${id} is not in the ledger of this database`);
  return requireForeignKeyTexts(migration);
}

/** SQLSTATEs: no such table or schema, or no right to read it. */
const UNREADABLE: ReadonlySet<string> = new Set(['42P01', '3F000', '42501']);

/** Whether the operator wanted no indexes: then a lookup that scans is no error. */
export function wantsNoIndexes({ options }: Pick<LedgerMigration, 'options'>): boolean {
  return 'noIndexes' in options && options.noIndexes === true;
}

/** Notes that the migration's owner counts as alive for this many seconds more, and the key that it holds now. */
export async function extendLease(client: Client, id: string, execution: string, seconds: number): Promise<void> {
  await run(client, 'ledger/extend-lease', {
    migration_id: id,
    execution,
    seconds,
    liveness_key: livenessKeyOf(execution),
  });
}

/** Changes columns of a migration's row; absent ones keep their values. */
export async function changeMigration(client: Client, id: string, changes: MigrationChanges): Promise<void> {
  await run(client, 'ledger/change-migration', { migration_id: id, changes: await asNote(client, changes) });
}

/** The foreign key of a ledger row. */
export function foreignKeyOf(migration: Migration): ForeignKey {
  return {
    ...migration,
    referencing_oid: migration.table_oid,
    table: migration.table_name,
    referencedTable: migration.referenced_name,
    displayDefinition: migration.definition,
    migrationId: migration.id,
  };
}

/** The pairs and the verification of one migration in the ledger, for `migrate --json`. */
export async function readMigrationReport(
  client: Client,
  id: string,
  execution?: string,
): Promise<{
  readonly pairs: MigratedPair[];
  readonly verification: Verification | null;
  readonly state: MigrationState;
  readonly blocked: Blocked;
}> {
  const migration = await readMigration(client, id);
  const pairs = await readPairs(client, id);
  return {
    state: migration.state,
    blocked: await readBlocked(client, id, execution ?? migration.execution),
    verification: migration.verification,
    pairs: pairs.map((pair) => ({
      referencing: pair.referencing,
      referenced: pair.referenced,
      state: pair.state,
      rows: pair.rows,
      validateMs: Math.round(pair.validate_ms ?? 0),
      lockWaitMs: Math.round(pair.lock_wait_ms),
    })),
  };
}
