/** Properties of the server, and their consequences for locks, memory and rollback. */
import type { Client } from 'pg';
import type { RollbackForecast, RollbackStrategy } from '../contracts/documents.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import { readDeadlockTimeout } from '../postgres/locks/lock-wait.ts';
import { type Row, runOne } from '../postgres/sql.ts';

/**
 * Row of `sql/catalog/server.sql`, which has the units, and the shortest deadlock_timeout that a session of this database has, in
 * milliseconds.
 */
export type Server = Row<'catalog/server'> & Pick<Row<'catalog/deadlock-timeout'>, 'deadlock_timeout_ms'>;

type MemoryOfServer = Pick<Server, 'effective_cache_size' | 'maintenance_work_mem'>;

/** Reads the server's properties. */
export async function readServer(client: Client): Promise<Server> {
  const server = await runOne(client, 'catalog/server');
  return { ...server, ...(await readDeadlockTimeout(client)) };
}

/** Oldest supported server, as `server_version_num`. */
export const OLDEST_VERSION = 130_000;
/** From this version on a partitioned referencing table can have a NOT VALID foreign key. */
const NOT_VALID_ON_PARTITIONED = 180_000;

/** Lock entries that the drop of the parent FK takes: about 8 for each pair, as measured. */
export function locksOfDrop(pairs: number): number {
  return 8 * pairs + 10;
}

/** Lock entries that attaching takes: N * N child constraints, about 3 entries each. */
function locksOfAttach(pairs: number): number {
  return 3 * pairs * pairs + locksOfDrop(pairs);
}

/**
 * Milliseconds for which the verified drop holds its locks; `npm run bench -- partitions` compares it with what was measured. Two
 * thirds of what it takes for each pair are PostgreSQL's own DROP CONSTRAINT.
 */
export function forecastDrop(pairs: number): number {
  return Math.ceil(22 + 0.23 * pairs);
}

/** Other sessions need the lock table, too: a statement of ours that needs more than this share of it is not begun. */
export const LOCK_TABLE_SHARE = 0.7;

/** What decides how the parent FK would come back. */
export type WayBack = Pick<ExecutionInput, 'allowBlockingRollback'> & {
  readonly pairs: number;
  /** Rows of the referencing table. */
  readonly rows: number;
};

/**
 * How the parent FK would be restored after the drop, and for how long that would block writes, as measured by `npm run bench --
 * rollback` (attach: 37 ms at 17 pairs, 0.5 s at 64, 22 s at 256, for any number of rows; NOT VALID: tens of ms).
 */
export function forecastRollback(server: Server, way: WayBack): RollbackForecast {
  const { pairs, rows } = way;
  const strategy = rollbackStrategy(server, way);
  switch (strategy) {
    case 'not-valid':
      return { strategy, writesBlockedMs: 200, note: 'parent FK NOT VALID, then VALIDATE, which blocks no writes' };
    case 'attach':
      return {
        strategy,
        writesBlockedMs: forecastAttach(pairs),
        note: 'a valid FK from each partition first, which blocks no writes while it validates; then the parent FK attaches them without a scan',
        plainMs: forecastPlain(pairs, rows),
      };
    case 'blocking':
      return {
        strategy,
        writesBlockedMs: forecastBlocking(way),
        note: `the plain re-add: every row is checked while writes wait${fitsLockTable(server, pairs) ? '; attaching would take longer here' : ''}`,
      };
  }
}

/**
 * Milliseconds of a plain re-add before 18, as a person types it in psql, within 20 % of what `npm run bench -- rollback` measured on 14 (1.4 s for 1 M rows in 17 pairs, 42 s
 * for 16 M in 64, 158 s for 16 M in 256): each partition is compared with all referenced ones, so a row costs more the more pairs there are.
 */
function forecastPlain(pairs: number, rows: number): number {
  return Math.round(185 + 5 * pairs + rows * (0.0003 + 0.00004 * pairs));
}

/** Milliseconds for which the attach blocks reads and writes: the N * N child constraints, for any number of rows. */
function forecastAttach(pairs: number): number {
  return Math.max(20, Math.round(40 * (pairs / 17) ** 2 + 0.0008 * pairs ** 3));
}

/**
 * Milliseconds for which our own plain re-add blocks writes; reads go on. Its nested loops take up to one and a half times as long as what the
 * planner chooses, and no outdated statistics make them take a hundred times as long.
 */
function forecastBlocking({ pairs, rows }: WayBack): number {
  return Math.round(1.5 * forecastPlain(pairs, rows));
}

function fitsLockTable(server: Server, pairs: number): boolean {
  return locksOfAttach(pairs) <= server.lock_table_capacity * LOCK_TABLE_SHARE;
}

/**
 * Before 18 the attach grows with the cube of the pairs, and the plain re-add with the rows. The plain one has no bound, because every row
 * is checked under its lock: it is chosen for being the shorter one only where it was allowed.
 */
function rollbackStrategy(server: Server, way: WayBack): RollbackStrategy {
  if (server.version_num >= NOT_VALID_ON_PARTITIONED) return 'not-valid';
  if (!fitsLockTable(server, way.pairs)) return 'blocking';
  return way.allowBlockingRollback && forecastBlocking(way) < forecastAttach(way.pairs) ? 'blocking' : 'attach';
}

const MEGABYTE = 1024 * 1024;

/**
 * Megabytes of maintenance_work_mem for one of `sessions` concurrent validations. VALIDATE is one join that uses this memory: 6 M
 * rows took 20.5 s at 64 MB and 9.4 s at 1 GB. effective_cache_size is the only setting that depends on the machine's memory. An
 * eighth of it, shared, is small enough even where it was left at its 4 GB default on a small host.
 */
export function validationMemory(server: MemoryOfServer, sessions: number): number {
  const share = server.effective_cache_size / 8 / Math.max(1, sessions);
  return Math.floor(Math.max(server.maintenance_work_mem, Math.min(share, 1024 * MEGABYTE)) / MEGABYTE);
}

/**
 * The most megabytes of maintenance_work_mem that an execution may ask for, for one of `sessions` concurrent pairs: together half
 * of effective_cache_size, because one join may use twice its memory; or what the server gives each session by default. The
 * caller may not be responsible for the server: where the machine's memory is used up, Linux kills a backend, and PostgreSQL then
 * ends all sessions.
 */
export function mostMemory(server: MemoryOfServer, sessions: number): number {
  const share = server.effective_cache_size / 2 / Math.max(1, sessions);
  return Math.floor(Math.max(server.maintenance_work_mem, share) / MEGABYTE);
}

/**
 * Megabytes of maintenance_work_mem for one validation or index build of a migration. The plan refuses more than {@link
 * mostMemory}; a value that the ledger got later, or that a rollback asks for, is not refused but reduced.
 */
export async function maintenanceMemory(
  client: Client,
  { maintenanceWorkMemMb, maxConcurrency }: { maintenanceWorkMemMb?: number | undefined; maxConcurrency: number },
): Promise<number> {
  const server = await runOne(client, 'catalog/server');
  if (maintenanceWorkMemMb === undefined) return validationMemory(server, maxConcurrency);
  return Math.min(maintenanceWorkMemMb, mostMemory(server, maxConcurrency));
}

/**
 * Megabytes of work_mem for each participant of one parallel count: the same eighth of effective_cache_size, shared by the leader
 * and its workers, and by the counts that run side by side. Never less than the session already has.
 */
export function countMemory(server: Server, sideBySide = 1): number {
  const share = server.effective_cache_size / 8 / (server.parallel_workers + 1) / sideBySide;
  return Math.floor(Math.max(server.work_mem, Math.min(share, 1024 * MEGABYTE)) / MEGABYTE);
}

/**
 * Statement for a session that validates or counts: lowers the cost of an index page to what it is on SSDs and in memory. At the
 * default random_page_cost of 4 the planner hashes both partitions; at 1.1 it merges the two indexes of the foreign key, where
 * VACUUM has run, in a third of the time (`npm run bench -- wall`). A value that was set explicitly fits the disks, so it stays.
 */
export const PAGE_COST_OF_TODAY =
  "SELECT set_config('random_page_cost', '1.1', false) FROM pg_show_all_settings() WHERE name = 'random_page_cost' AND source = 'default'";
