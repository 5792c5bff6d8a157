/**
 * Migrations as the ledger has them now: state, who works on it, and whether that execution lives. Only reads, so a role that can only
 * read and a standby are enough.
 */
import type { Client } from 'pg';
import { isForeignKey, means } from '../catalog/catalog-foreign-key.ts';
import { listForeignKeys } from '../catalog/foreign-key.ts';
import type { MigrationOptions, MigrationState, PairCounts } from '../contracts/column-types.ts';
import type { PairState } from '../contracts/documents.ts';
import { InvalidInput } from '../contracts/errors.ts';
import { type Pace, paceOf } from '../contracts/pace.ts';
import { redact } from '../contracts/redact.ts';
import { runAsLogin } from '../postgres/session/as-login.ts';
import { type Row, run } from '../postgres/sql.ts';
import { approvalProblem } from './approval-check.ts';
import { readPairs } from './pairs.ts';
import { refuseReplacedTables } from './replaced-tables.ts';
import { noSuchTable } from './resolve-foreign-key.ts';
import { checkLedger, isLedgerReadable, requireSight } from './schema/state.ts';

/** Where the owner of a migration runs, as its name tells. */
export type OwnerPlace = 'local' | 'aws' | 'psql' | 'reconciliation';

/** The execution that owns a migration which is at work: `running` or `rolling-back`. */
export interface Owner {
  readonly execution: string;
  readonly place: OwnerPlace;
  /** `unknown`: its sessions cannot be seen from here (a standby, a ledger of an older version), and no lease decides. */
  readonly life: 'alive' | 'dead' | 'unknown';
  /** Process ids of the sessions that show that it lives. */
  readonly sessions: readonly number[];
  /** When the first of these sessions began, ISO 8601; null where there is none, or this role may not see it. */
  readonly since: string | null;
  readonly user: string | null;
  readonly address: string | null;
  /** Where it is not seen at work, and still counts as alive: until then. */
  readonly leaseUntil: string | null;
}

/** A long statement that runs in the server. Where its client is gone it goes on to its end all the same, and then its session ends. */
export interface RunningStatement {
  readonly pid: number;
  readonly statement: 'CREATE INDEX' | 'VALIDATE';
  /** Schema-qualified, quoted where needed. */
  readonly relation: string;
  /** When it was begun, ISO 8601. */
  readonly since: string;
}

/** The approval of the drop, of a migration that needs one and is not dropped yet. */
export interface ApprovalStatus {
  readonly state: 'not-asked' | 'awaited' | 'approved' | 'void';
  readonly askedAt: string | null;
  /** When the execution that waits will pause; null where none waits. */
  readonly until: string | null;
  readonly approvedAt: string | null;
  readonly approvedBy: string | null;
  /** One line: why there is no approval that counts. */
  readonly problem: string | null;
}

/** One migration. Times are ISO 8601, by the database's clock. */
export interface MigrationStatus {
  readonly id: string;
  /** As the table is called now: schema-qualified, quoted where needed. */
  readonly table: string;
  /** False where the database has no such table any more. */
  readonly tableExists: boolean;
  readonly referencedTable: string;
  readonly constraint: string;
  readonly state: MigrationState;
  /** When the state began. */
  readonly since: string;
  readonly startedAt: string;
  /** Milliseconds from its start until it ended or paused, or until now. */
  readonly tookMs: number;
  /** Person who started it, as stated, and why. */
  readonly startedBy: string | null;
  readonly reason: string | null;
  /** Role that opened it. */
  readonly role: string;
  /** The execution that works on it, or did last. */
  readonly execution: string;
  /** Whether the parent FK was dropped. */
  readonly dropped: boolean;
  readonly error: { readonly name: string; readonly message: string } | null;
  readonly options: MigrationOptions;
  readonly pairs: { readonly total: number; readonly byState: PairCounts };
  /** Null where no execution is to be at work. */
  readonly owner: Owner | null;
  /** Empty also where the sessions of the server cannot be seen from here. */
  readonly statements: readonly RunningStatement[];
  readonly approval: ApprovalStatus | null;
  /** Null where no execution heeds one: not on the way forward, or past the drop. */
  readonly pace: Pace | null;
}

/** How far one pair is. */
export interface PairStatus {
  readonly pair: number;
  readonly referencing: string;
  readonly referenced: string;
  readonly rows: number;
  readonly state: PairState;
  readonly attempts: number;
  readonly lastError: string | null;
}

/** What there is of one table. */
export interface TableStatus {
  /** Schema-qualified, quoted where needed. */
  readonly table: string;
  /** The newest migration; null where it was never migrated. */
  readonly migration: MigrationStatus | null;
  readonly pairs: readonly PairStatus[];
  /** Whether the command line has to name the constraint, because the table has several foreign keys. */
  readonly needsConstraint: boolean;
  /** One line where there is no migration: why. */
  readonly absent: string | null;
}

/**
 * Migrations of this database, the newest first.
 *
 * @returns null where there is no ledger, or none that this role may read
 * @throws as {@link isLedgerReadable}
 */
export async function listMigrations(client: Client, most: number): Promise<MigrationStatus[] | null> {
  if (!(await isLedgerReadable(client))) return null;
  return statusesOf(client, await run(client, 'ledger/shown-migrations', { table_oid: null, most }));
}

/** A table that was migrated and rolled back a hundred times is looked at no further. */
const MOST_OF_TABLE = 100;

/**
 * The newest migration of a table, or of one of its foreign keys; an open one has precedence over those that were rolled back.
 *
 * @throws InvalidInput where the names identify no foreign key, or several; the message says which there are
 * @throws PrivilegeMissing where there is a ledger that this role may not read
 */
export async function readTableStatus(
  client: Client,
  wanted: { readonly table: string; readonly constraint?: string | undefined },
): Promise<TableStatus> {
  const existing = await listForeignKeys(client, wanted.table);
  const [first] = existing;
  if (!first) throw await noSuchTable(client, wanted.table);
  const { table_oid: tableOid, table_name: table, table_is_partition: isPartition } = first;
  const hasLedger = await requireSight(client);
  const rows = hasLedger
    ? await run(client, 'ledger/shown-migrations', { table_oid: tableOid, most: MOST_OF_TABLE })
    : [];
  const known = newestOfEach(rows);
  await refuseReplacedTables(
    client,
    table,
    known.filter(isOpen).map(({ id, ledger_name }) => ({ id, table_name: ledger_name })),
  );
  const names = existing.filter(isForeignKey).map((key) => key.constraint_name);
  const { constraint } = wanted;
  const needsConstraint = new Set([...names, ...known.map((row) => row.constraint_name)]).size > 1;
  const found = chosen(table, known, constraint);
  if (found !== undefined) {
    const [migration] = await statusesOf(client, [found]);
    const pairs = (await readPairs(client, found.id)).map(pairOf);
    return { table, migration: migration ?? null, pairs, needsConstraint, absent: null };
  }
  if (constraint !== undefined && !names.some((name) => means(constraint, name))) {
    const there = [...new Set([...names, ...known.map((row) => row.constraint_name)])];
    throw new InvalidInput(
      `table ${table} has no foreign key ${redact(constraint)}: ${there.length === 0 ? 'it has none' : `there is ${there.join(', ')}`}`,
    );
  }
  const shapes = await run(client, 'catalog/migrated-foreign-keys', { table_oid: tableOid });
  return {
    table,
    migration: null,
    pairs: [],
    needsConstraint,
    absent: absence({ table, constraint, hasLedger, isPartition, hasPairs: shapes.length > 0 }),
  };
}

type Shown = Row<'ledger/shown-migrations'>;

/** The newest of each constraint. */
function newestOfEach(rows: readonly Shown[]): Shown[] {
  return rows.filter(
    (row, index) => rows.findIndex((other) => other.constraint_name === row.constraint_name) === index,
  );
}

function isOpen({ state }: Shown): boolean {
  return state !== 'rolled-back';
}

function chosen(table: string, known: readonly Shown[], constraint: string | undefined): Shown | undefined {
  if (constraint !== undefined) return known.find((row) => means(constraint, row.constraint_name));
  const open = known.filter(isOpen);
  if (open.length > 1) {
    const names = open.map((row) => `${row.constraint_name} (${row.state})`);
    throw new InvalidInput(
      `table ${table} has migrations of ${open.length} foreign keys (${names.join(', ')}): choose one with --constraint`,
      {},
      { choices: open.map((row) => ({ table, constraint: row.constraint_name })) },
    );
  }
  return open[0] ?? known[0];
}

function absence(found: {
  readonly table: string;
  readonly constraint: string | undefined;
  readonly hasLedger: boolean;
  readonly isPartition: boolean;
  readonly hasPairs: boolean;
}): string {
  const what = found.constraint === undefined ? found.table : `foreign key ${found.constraint} of ${found.table}`;
  if (found.isPartition)
    return `${found.table} is a partition, and migrations are of partitioned tables: name the table that it belongs to`;
  if (found.hasPairs)
    return `the ledger knows no migration of ${what}, and yet its partitions have pair foreign keys: the ledger is lost or older than the database; p2pfk audit shows what is there`;
  return found.hasLedger
    ? `${what} has never been migrated: the ledger of this database knows nothing of it`
    : `${what} has never been migrated: this database has no ledger of p2pfk`;
}

async function statusesOf(client: Client, rows: readonly Shown[]): Promise<MigrationStatus[]> {
  const statuses: MigrationStatus[] = [];
  for (const row of rows) statuses.push(statusOf(row, await ownerOf(client, row), await statementsOf(client, row)));
  return statuses;
}

function statusOf(row: Shown, owner: Owner | null, statements: readonly RunningStatement[]): MigrationStatus {
  return {
    id: row.id,
    table: row.table_name,
    tableExists: !row.gone,
    referencedTable: row.referenced_name,
    constraint: row.constraint_name,
    state: row.state,
    since: row.since,
    startedAt: row.started_at,
    tookMs: Math.round(row.took_ms),
    startedBy: row.started_by,
    reason: row.reason,
    role: row.role,
    execution: row.execution,
    dropped: row.is_dropped,
    error: row.error,
    options: row.options,
    pairs: { total: Object.values(row.pairs).reduce((sum, count) => sum + count, 0), byState: row.pairs },
    owner,
    statements,
    approval: approvalOf(row),
    pace: row.state === 'running' && !row.is_dropped ? paceOf(row.options) : null,
  };
}

function pairOf({ pair, referencing, referenced, rows, state, attempts, last_error }: Row<'ledger/read-pairs'>) {
  return { pair, referencing, referenced, rows, state, attempts, lastError: last_error };
}

/** As the gate and the drop judge it: core/ledger/approval-check.ts. */
function approvalOf(row: Shown): ApprovalStatus | null {
  const isBefore = (row.state === 'running' || row.state === 'paused') && !row.is_dropped;
  if (!isBefore || row.options.approval !== 'manual') return null;
  const problem = approvalProblem(row);
  const asked = row.approval_asked_at !== null;
  return {
    state: problem === null ? 'approved' : row.approved_at !== null ? 'void' : asked ? 'awaited' : 'not-asked',
    askedAt: row.approval_asked_at,
    until: problem !== null && row.state === 'running' ? row.approval_until : null,
    approvedAt: row.approved_at,
    approvedBy: row.approved_by,
    problem,
  };
}

/** Local executions and psql scripts count as alive by their sessions alone: sql/ledger/take-over.sql. */
const LOCAL = 'arn:aws:states:local:';

function placeOf(execution: string): OwnerPlace {
  if (execution.startsWith('reconcile:')) return 'reconciliation';
  if (!execution.startsWith(LOCAL)) return 'aws';
  return /:psql-\d{8}T\d{6}Z-\d+$/.test(execution) ? 'psql' : 'local';
}

async function ownerOf(client: Client, row: Shown): Promise<Owner | null> {
  const { state, execution, lease_holds: holds, lease_until: until } = row;
  if (state !== 'running' && state !== 'rolling-back') return null;
  const place = placeOf(execution);
  const leased = (place === 'aws' || place === 'reconciliation') && holds;
  const seen = await sessionsOf(client, row);
  if (seen !== null && seen.length > 0) {
    const [first] = await runAsLogin(client, 'ledger/owner', { pids: seen });
    const { user, address, since } = first ?? { user: null, address: null, since: null };
    return { execution, place, life: 'alive', sessions: seen, since, user, address, leaseUntil: null };
  }
  const life = leased ? 'alive' : seen === null ? 'unknown' : 'dead';
  const nothing = { sessions: [], since: null, user: null, address: null };
  return { execution, place, life, ...nothing, leaseUntil: leased ? until : null };
}

/** Null where the owner's sessions cannot be seen: they are on the primary, or an older ledger has no function that knows them. */
async function sessionsOf(client: Client, { id, on_standby: onStandby }: Shown): Promise<number[] | null> {
  if (await isBlind(client, onStandby)) return null;
  return (await run(client, 'ledger/owner-sessions', { migration_id: id })).map(({ pid }) => pid);
}

async function isBlind(client: Client, onStandby: boolean): Promise<boolean> {
  return onStandby || (await checkLedger(client)).is_older;
}

async function statementsOf(client: Client, { id, state, on_standby: onStandby }: Shown): Promise<RunningStatement[]> {
  if (state === 'migrated' || state === 'rolled-back' || (await isBlind(client, onStandby))) return [];
  const rows = await run(client, 'ledger/running-statements', { migration_id: id });
  return rows.map(({ pid, is_index, relation, since }) => ({
    pid,
    statement: is_index ? 'CREATE INDEX' : 'VALIDATE',
    relation,
    since,
  }));
}
