/**
 * How one try for strong locks waits. A server that is never idle grants nothing to NOWAIT, so a try waits: as long as the lock
 * budget has room beside the time that the locks are then held, and shorter than deadlock_timeout, so that the application
 * is never ended by a deadlock with us.
 */

import type { Client } from 'pg';
import type { LockMode } from '../../contracts/column-types.ts';
import { sqlStateOf } from '../postgres-errors.ts';
import { runAsLogin } from '../session/as-login.ts';
import { rollBack } from '../session/transactions.ts';
import { type Row, run, runOne } from '../sql.ts';
import { showsBlockingQueries } from './blockers.ts';
import { withoutSecrets } from './describe-holders.ts';

export interface LockRequest {
  /** The LOCK TABLE statement, as the ledger and messages show it. */
  readonly sql: string;
  readonly mode: LockMode;
  /** Oids of the relations on which holders are looked for. */
  readonly relations: readonly number[];
  /** Oids of the tables that `sql` names, where it names not all of `relations`: LOCK TABLE takes partitions with their table. */
  readonly named?: readonly number[];
  /** Statements that end with the same locks, in several orders; see `sql/statements/lock-in-turns.sql`. */
  readonly ways?: readonly (readonly string[])[] | null | undefined;
  /** `sql` ends in NOWAIT and is the first try; without `ways` all tries are as `sql` says. */
  readonly nowaitFirst?: boolean;
}

export interface LockTry {
  /** The statement to run. */
  readonly sql: string;
  /** Milliseconds that it may take in all. */
  readonly limitMs: number;
}

/** This share of the budget is kept for the work under the locks, however short it is forecast to be. */
const KEPT_FOR_WORK = 0.1;
/** Of deadlock_timeout: timers and the network are not exact. */
const DEADLOCK_SHARE = 0.9;

/**
 * Milliseconds that a try may wait for its locks; 0 where the budget leaves no room for it.
 *
 * @param heldMs how long the locks are forecast to be held
 */
export function waitLimit({
  budgetMs,
  heldMs,
  deadlockTimeoutMs,
}: {
  readonly budgetMs: number;
  readonly heldMs: number;
  readonly deadlockTimeoutMs: number;
}): number {
  const room = budgetMs - Math.max(heldMs, budgetMs * KEPT_FOR_WORK);
  return Math.max(0, Math.floor(Math.min(room, deadlockTimeoutMs * DEADLOCK_SHARE)));
}

/** Both in milliseconds; see `sql/catalog/deadlock-timeout.sql`. */
export function readDeadlockTimeout(client: Client): Promise<Row<'catalog/deadlock-timeout'>> {
  return runOne(client, 'catalog/deadlock-timeout');
}

/** A transaction older than that is expected to last: a wait for it would only stop the application once more. */
const OLD_SECONDS = 10;
/** Where one stands in the way, one try in so many waits all the same. */
const WAIT_ALL_THE_SAME = 4;

export interface TrySubject {
  readonly migrationId: string;
  readonly step: string;
  readonly pair: number | null;
  readonly budgetMs: number;
  /** Milliseconds that the locks are forecast to be held. */
  readonly heldMs?: number | undefined;
  readonly lock: LockRequest;
}

/** Chooses how the next try of this step goes: NOWAIT or waiting, in one order or in several. */
export async function chooseTry(client: Client, subject: TrySubject): Promise<LockTry> {
  if (!subject.lock.ways) return chooseTryAfter(client, { ...subject, refusals: 0 });
  const { refusals } = await runOne(client, 'ledger/refusals', {
    migration_id: subject.migrationId,
    step: subject.step,
    pair: subject.pair,
  });
  return chooseTryAfter(client, { ...subject, refusals });
}

export interface RefusedSubject extends Pick<TrySubject, 'budgetMs' | 'heldMs' | 'lock'> {
  /** How often these locks were refused so far. */
  readonly refusals: number;
}

/** {@link chooseTry} for whoever counts the refusals. */
export async function chooseTryAfter(client: Client, subject: RefusedSubject): Promise<LockTry> {
  const { lock, budgetMs, heldMs = 0, refusals } = subject;
  const { deadlock_timeout_ms: deadlockTimeoutMs } = await readDeadlockTimeout(client);
  const waitMs = waitLimit({ budgetMs, heldMs, deadlockTimeoutMs });
  const nowait = { sql: lock.sql, limitMs: Math.max(1, waitMs) };
  if (!lock.ways) return nowait;
  if (lock.nowaitFirst) {
    if (refusals === 0 || waitMs === 0) return { ...nowait, limitMs: budgetMs };
    if (refusals % WAIT_ALL_THE_SAME !== 0 && (await isInVain(client, subject)))
      return { ...nowait, limitMs: budgetMs };
  }
  const { sql } = await runOne(client, 'statements/lock-in-turns', {
    ways: lock.ways,
    wait_ms: Math.max(1, waitMs),
    attempt: refusals,
  });
  return { sql, limitMs: Math.max(1, waitMs) };
}

async function isInVain(client: Client, { lock: { relations }, budgetMs }: RefusedSubject): Promise<boolean> {
  const seconds = Math.max(OLD_SECONDS, budgetMs / 100);
  const [holder] = await runAsLogin(client, 'checks/old-holder', { relations, seconds });
  return holder?.in_vain ?? false;
}

/** A holder with the relation's oid. */
export type RelationHolder = Row<'checks/lock-holders'>;

/** Who holds what conflicts with `mode` on these relations, oldest transaction first; `FOR UPDATE`: who locks rows of them. */
export async function lockHolders(
  client: Client,
  relations: readonly number[],
  mode: LockMode | 'FOR UPDATE',
): Promise<RelationHolder[]> {
  const holders = await runAsLogin(client, 'checks/lock-holders', {
    relations,
    mode,
    blocking_queries: showsBlockingQueries(),
  });
  return holders.map(withoutSecrets);
}

/** How much longer than deadlock_timeout an autovacuum is waited for: the time in which it ends once it was cancelled. */
const AUTOVACUUM_ENDS_MS = 1_000;
/** With a longer deadlock_timeout it is not waited for. */
const LONGEST_DEADLOCK_TIMEOUT_MS = 30_000;

/**
 * Makes ordinary autovacuums yield that stand in the way, so that the next try does not find them. Outside a transaction.
 *
 * @returns the pids of those that have gone
 */
export async function endAutovacuums(client: Client, holders: readonly RelationHolder[]): Promise<number[]> {
  const ordinary = holders.filter(({ autovacuum }) => autovacuum === 'ordinary');
  if (ordinary.length === 0) return [];
  const { own_deadlock_timeout_ms: yieldsAfterMs } = await readDeadlockTimeout(client);
  if (yieldsAfterMs > LONGEST_DEADLOCK_TIMEOUT_MS) return [];
  const ended = new Set<number>();
  for (const { pid, relation_oid } of ordinary) {
    const [lock] = await run(client, 'statements/lock-for-autovacuum', { relations: [relation_oid] });
    if (lock && (await isGranted(client, lock.sql, yieldsAfterMs + AUTOVACUUM_ENDS_MS))) ended.add(pid);
  }
  return [...ended];
}

async function isGranted(client: Client, sql: string, limitMs: number): Promise<boolean> {
  await client.query('BEGIN');
  try {
    const milliseconds = String(limitMs);
    await client.query("SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true)", [
      milliseconds,
    ]);
    await client.query(sql);
    return true;
  } catch (error) {
    // Not granted, not allowed, or the table is gone: the next try names what is in the way.
    if (['55P03', '57014', '42501', '42P01', '40P01'].includes(sqlStateOf(error) ?? '')) return false;
    throw error;
  } finally {
    await rollBack(client);
  }
}
