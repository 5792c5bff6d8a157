/**
 * Statements that take strong locks, in one transaction of which the application feels the lock budget at most: the wait for
 * the locks and the work under them together. lock_timeout alone counts per lock, so a statement over many partitions could
 * wait many times as long, with the application queued behind it; statement_timeout on the LOCK statement is what bounds the
 * sum. All locks are taken by that first statement; how it waits is in `lock-wait.ts`.
 */
import type { Client } from 'pg';
import { sqlStateOfLoss } from './connection.ts';
import { type LockHolder, LockTimeout, type P2pfkError } from './errors.ts';
import { describeEnded, endIdleBlockers } from './idle-blockers.ts';
import { changePair, inTransaction, noteEvent } from './ledger.ts';
import {
  chooseTry,
  endAutovacuums,
  type LockRequest,
  type LockTry,
  lockHolders,
  type RelationHolder,
} from './lock-wait.ts';
import { sqlStateOf, toNamedError } from './postgres-errors.ts';
import type { StepContext } from './steps/context.ts';

export { type LockMode, lockHolders } from './lock-wait.ts';

export interface LockedWork {
  readonly migrationId: string;
  readonly execution: string;
  /** Forward statements stop at the fence; those of a rollback run only behind it. */
  readonly direction: 'forward' | 'rollback';
  readonly step: string;
  readonly pair: number | null;
  /** Milliseconds that the wait for the locks and the work under them may take together. */
  readonly budgetMs: number;
  /** Milliseconds that the work is forecast to take, where that is more than a tenth of the budget: a wait leaves it room. */
  readonly heldMs?: number;
  /** Sessions that hold the lock and have been idle in a transaction for longer are ended; absent: never. */
  readonly terminateIdleAfterSeconds?: number | undefined;
  /** How the transaction ends when all went well; COMMIT unless it is a rehearsal. */
  readonly end?: 'COMMIT' | 'ROLLBACK';
  readonly lock: LockRequest;
}

export interface LockedResult<Result> {
  readonly result: Result;
  readonly lockWaitMs: number;
  /** Milliseconds from the lock's grant to COMMIT. */
  readonly heldMs: number;
}

/**
 * Takes the lock, runs `work`, commits. `work` is told the milliseconds that are left of the budget.
 *
 * @throws LockTimeout with the holders, when the lock was not granted within the budget; the wait is noted in the ledger
 */
export async function underLock<Result>(
  context: StepContext,
  locked: LockedWork,
  work: (left: () => number) => Promise<Result>,
): Promise<LockedResult<Result>> {
  const { client } = context;
  let waitedMs = 0;
  let grantedAt = 0;
  const next = await chooseTry(client, locked);
  try {
    const result = await inTransaction(
      client,
      async () => {
        await client.query(`SELECT p2pfk.enter${locked.direction === 'rollback' ? '_rollback' : ''}($1, $2)`, [
          locked.migrationId,
          locked.execution,
        ]);
        await prepareTry(client, next.limitMs, locked.budgetMs);
        const beganAt = performance.now();
        try {
          await client.query(next.sql);
        } catch (error) {
          waitedMs = performance.now() - beganAt;
          throw refusedTry(error, waitedMs, locked, next);
        }
        grantedAt = performance.now();
        waitedMs = grantedAt - beganAt;
        // Counted from the request: while it waited for one relation it held the others already, and somebody queued there.
        const left = () => Math.max(1, beganAt + locked.budgetMs - performance.now());
        try {
          await granted(client, { leftMs: left(), budgetMs: locked.budgetMs });
        } catch (error) {
          // It still has the limit of the try, which may be a fraction of the budget.
          throw isCut(error, performance.now() - grantedAt, next.limitMs)
            ? doesNotFit(toNamedError(error), locked)
            : error;
        }
        return await work(left);
      },
      locked.end,
    );
    return { result, lockWaitMs: waitedMs, heldMs: performance.now() - grantedAt };
  } catch (error) {
    const named =
      grantedAt > 0 ? workError(error, waitedMs + performance.now() - grantedAt, locked) : toNamedError(error);
    // Our own idle_in_transaction_session_timeout: this process stood still for the whole budget. Its session is gone.
    if ([named.context.sqlState, sqlStateOfLoss(client)].includes('25P03')) throw doesNotFit(named, locked);
    if (!(named instanceof LockTimeout)) throw named;
    // Granted, and then the work did not fit: nobody to name.
    const holders = grantedAt > 0 ? [] : await lockHolders(client, locked.lock.relations, locked.lock.mode);
    throw await noteRefusal(context, locked, named, { waitedMs, holders });
  }
}

/**
 * Remembers when the lock was granted, for p2pfk.record, and gives the next statement what is left of the budget. One round
 * trip: everybody waits by now.
 */
async function granted(client: Client, { leftMs, budgetMs }: { leftMs: number; budgetMs: number }): Promise<void> {
  await client.query(
    `SELECT set_config('p2pfk.locked_at', clock_timestamp()::text, true),
            set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true),
            set_config('idle_in_transaction_session_timeout', $2, true)`,
    [String(Math.ceil(leftMs)), String(Math.ceil(Math.max(leftMs, budgetMs / 10)))],
  );
}

/**
 * Limits for the statement that follows. One statement, so that none of ours but that one runs under a limit that may be short:
 * it would be cut on a busy machine, and look like a person's cancel. Should this process freeze under the lock, or its network,
 * the server ends the session and with it the lock.
 */
async function prepareTry(client: Client, limitMs: number, budgetMs: number): Promise<void> {
  await client.query(
    `SELECT set_config('p2pfk.began_at', clock_timestamp()::text, true),
            set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true),
            set_config('idle_in_transaction_session_timeout', $2, true)`,
    [String(Math.max(1, Math.ceil(limitMs))), String(Math.ceil(budgetMs))],
  );
}

/** Bounds each following statement of this transaction, its lock waits included. */
export async function limit(client: Client, budgetMs: number): Promise<void> {
  const milliseconds = String(Math.max(1, Math.ceil(budgetMs)));
  await client.query("SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true)", [
    milliseconds,
  ]);
}

/** Remembers in the session when the lock was granted, for p2pfk.record. */
export async function markLocked(client: Client): Promise<void> {
  await client.query("SELECT set_config('p2pfk.locked_at', clock_timestamp()::text, true)");
}

/** Notes a statement in the ledger, inside its transaction. */
export async function record(
  client: Client,
  migrationId: string,
  pair: number | null,
  step: string,
  sql: string,
): Promise<void> {
  await client.query("SELECT set_config('statement_timeout', '0', true)");
  await client.query('SELECT p2pfk.record($1, $2, $3, $4)', [migrationId, pair, step, sql]);
}

/** 57014 after the whole wait is our own statement_timeout: the lock was not granted. If it comes earlier, another session cancelled the statement. */
function refusedTry(error: unknown, waitedMs: number, { lock }: LockedWork, { limitMs }: LockTry): P2pfkError {
  const named = toNamedError(error, lock.sql);
  return isCut(named, waitedMs, limitMs) ? new LockTimeout(named.message, named.context, { cause: named }) : named;
}

/** Whether our own statement_timeout ended a statement that took so long: a person's cancel is the same SQLSTATE. */
export function isCut(error: unknown, spentMs: number, limitMs: number): boolean {
  return sqlStateOf(error) === '57014' && spentMs >= limitMs * 0.9;
}

/**
 * Under the lock 57014 after the whole budget is our own statement_timeout, too: tried again, as a lock that was not free. Where a
 * timeout cuts ROLLBACK TO SAVEPOINT itself, PostgreSQL aborts the whole transaction, and only the next statement says so.
 */
function workError(error: unknown, spentMs: number, locked: LockedWork): P2pfkError {
  const named = toNamedError(error);
  if (named instanceof LockTimeout) return named;
  const isAborted = ABORTED.has(named.context.sqlState ?? '');
  return isAborted || isCut(named, spentMs, locked.budgetMs) ? doesNotFit(named, locked) : named;
}

/** A statement in a transaction that is aborted; ROLLBACK TO a savepoint that went with it. */
const ABORTED: ReadonlySet<string> = new Set(['25P02', '3B001']);

function doesNotFit(named: P2pfkError, { step, budgetMs }: LockedWork): LockTimeout {
  const message = `${step} did not fit into the lock budget of ${budgetMs} ms; it was rolled back (--lock-timeout-ms allows it more)`;
  return new LockTimeout(message, named.context, { cause: named });
}

async function noteRefusal(
  { client }: StepContext,
  locked: LockedWork,
  error: LockTimeout,
  refusal: { readonly waitedMs: number; readonly holders: readonly RelationHolder[] },
): Promise<LockTimeout> {
  const { migrationId, pair, step } = locked;
  const { waitedMs, holders } = refusal;
  const ended = await endIdleBlockers(client, locked, holders);
  const yielded = await endAutovacuums(client, holders);
  const message =
    error.context.statement === locked.lock.sql
      ? `no lock within ${locked.budgetMs} ms for ${step}: ${describeHolders(holders)}${describeEnded(ended)}${describeYielded(yielded)}`
      : error.message;
  if (pair !== null)
    await changePair(client, migrationId, pair, { attempts: 1, lock_wait_ms: waitedMs, last_error: message });
  await noteEvent(client, migrationId, { pair, step, sql: locked.lock.sql, durationMs: waitedMs, error: message });
  return new LockTimeout(message, { ...error.context, holders }, { cause: error });
}

const AUTOVACUUM = {
  ordinary: 'autovacuum',
  wraparound: 'an autovacuum that prevents transaction ID wraparound, and is never cancelled: let it end',
} as const;

/** What is added to the line that names a blocker; empty where none has yielded. */
export function describeYielded(pids: readonly number[]): string {
  return pids.length === 0 ? '' : `; autovacuum (pid ${pids.join(', ')}) has yielded`;
}

/** One line a holder: whom to ask, and what it is doing. */
export function describeHolders(holders: readonly LockHolder[]): string {
  if (holders.length === 0) return 'whoever held it has gone by now';
  // An autovacuum that must not be cancelled is reported first, even if other sessions hold locks too.
  const first = holders.find(({ autovacuum }) => autovacuum === 'wraparound') ?? holders[0];
  const { pid, user, application, state, since, mode, relation, query, autovacuum } = first as LockHolder;
  const who = `${autovacuum ? AUTOVACUUM[autovacuum] : (user ?? 'a background process')}${application ? `, ${application}` : ''}`;
  const more = new Set(holders.map((holder) => holder.pid).filter((other) => other !== pid)).size;
  return `${mode} on ${relation} is held by pid ${pid} (${who}), ${state ?? 'state unknown'} since ${since ?? 'an unknown time'}${query ? `: ${query}` : ''}${more > 0 ? ` (and ${more} more session${more > 1 ? 's' : ''})` : ''}`;
}
