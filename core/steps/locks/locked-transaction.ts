/**
 * A transaction that blocks the application for at most the lock budget: the wait for its locks, the work under them and the pauses
 * between its statements together. lock_timeout alone counts per lock, so a statement over many partitions could wait many times as long,
 * with the application queued behind it. statement_timeout on the LOCK statement limits the sum. `lock-wait.ts` decides how it waits, and
 * after it `session/deadline.ts` limits each statement and the whole transaction. What is late is rolled back.
 *
 * The time starts at the request of the first lock that others wait behind, because later requests queue behind a request that waits, and
 * because a statement that locks several relations holds the first ones while it waits for the others.
 *
 * `lock-budget.ts` makes one for a step of a migration, `online-change.ts` for a change by a person's command.
 */
import type { Client } from 'pg';
import { LockTimeout, type P2pfkError } from '../../contracts/errors.ts';
import { sqlStateOfLoss } from '../../ledger/connect.ts';
import { recordTransaction, type TransactionRecord } from '../../ledger/notes/record-transaction.ts';
import type { LockRequest, LockTry } from '../../postgres/locks/lock-wait.ts';
import { requireLocked } from '../../postgres/locks/locked-tables.ts';
import { sqlStateOf, toNamedError } from '../../postgres/postgres-errors.ts';
import { type Deadline, type Limits, lockUntil, SERVER_MARGIN_MS, together } from '../../postgres/session/deadline.ts';
import type { RanStatement } from '../../postgres/statement-journal.ts';
import { type Distance, describeDistance, isFar } from './distance.ts';

/** Of most work under locks: the questions, the change, the ledger's note, and COMMIT. */
export const ROUND_TRIPS = 4;

/** What a transaction may take, and how its caller names it where it takes longer. */
export interface LockedTransactionOptions {
  /** Name of the step in messages. */
  readonly step: string;
  /** Milliseconds from the request of the first strong lock to COMMIT. */
  readonly budgetMs: number;
  /** The same, if the plan has announced that it takes longer than the budget; Infinity: as long as it takes. */
  readonly announcedMs?: number | undefined;
  /** Milliseconds that each statement may take before a strong lock was requested; default: the budget. */
  readonly beforeMs?: number;
  readonly distance: Distance;
  /** Part of the message of what is late: how it ended. */
  readonly undone: string;
  /** The error for what is late, with its cause where there is one. */
  tooLate(message: string, cause: P2pfkError | undefined): P2pfkError;
}

/** Locks that were not granted in time. */
export class LocksRefused extends Error {
  readonly locks: readonly LockRequest[];
  readonly refusal: LockTimeout;

  constructor(locks: readonly LockRequest[], refusal: LockTimeout) {
    super(refusal.message, { cause: refusal });
    this.locks = locks;
    this.refusal = refusal;
  }
}

/** One try, from before its first lock. Its statements run in `underDeadline`, with this as the deadline. */
export class LockedTransaction implements Deadline {
  readonly #client: Client;
  readonly #options: LockedTransactionOptions;
  /** When the first lock was requested that others wait behind. */
  #blockingSince: number | undefined;
  #grantedAt: number | undefined;
  #endedAt: number | undefined;
  #waitedMs = 0;
  /** When the limit of the statement that was sent last is over. */
  #until = Infinity;
  /** The statements that took the locks, in their order. */
  readonly lockedBy: RanStatement[] = [];
  #hasBegun = false;

  constructor(client: Client, options: LockedTransactionOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Whether others may wait for this transaction. */
  get blocks(): boolean {
    return this.#blockingSince !== undefined;
  }

  /** When the last lock was granted, as performance.now(); undefined: none was. */
  get grantedAt(): number | undefined {
    return this.#grantedAt;
  }

  /** Milliseconds from the requests of strong locks to their grant or refusal. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /** Milliseconds for which others were blocked at most, until the end of the transaction or until now; undefined: none were. */
  get blockedMs(): number | undefined {
    return this.#blockingSince === undefined ? undefined : (this.#endedAt ?? performance.now()) - this.#blockingSince;
  }

  /** Milliseconds of the budget that are left, at least 1, where strong locks were requested. */
  get budgetLeftMs(): number {
    return Math.max(1, (this.#blockingSince ?? performance.now()) + this.#options.budgetMs - performance.now());
  }

  /** Stores for p2pfk.record_transaction when the transaction began. Where that is not called before, the first request of a lock does it. */
  async begin(): Promise<void> {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    await this.#client.query("SELECT set_config('p2pfk.began_at', clock_timestamp()::text, true)");
  }

  /** The same for when all locks were granted that the work needs at first. */
  async locked(): Promise<void> {
    await this.#client.query(`SELECT ${LOCKED_NOW}`);
  }

  /**
   * Requests strong locks. For those that are requested later, the earlier wait counts, too.
   *
   * @throws LocksRefused when they were not granted in time: all of them or none
   */
  async take(locks: readonly LockRequest[], next: LockTry): Promise<void> {
    const from = performance.now();
    this.#blockingSince ??= from;
    const limitMs = Math.max(1, Math.min(next.limitMs - this.#waitedMs, this.#leftMs(from)));
    const isFirst = this.#grantedAt === undefined;
    try {
      const leftMs = this.#leftMs(from);
      await this.#ask(locks, { sql: next.sql, limitMs }, isFirst, () =>
        lockUntil(this.#client, { leftMs, limitMs }, next.sql),
      );
    } finally {
      this.#waitedMs += performance.now() - from;
    }
    this.#grantedAt = performance.now();
  }

  /**
   * Requests a lock that no reader and no writer waits behind: it takes nothing of the budget.
   *
   * @param limitMs milliseconds that `ask` has been limited to
   * @param ask runs the statement
   * @throws LocksRefused when it was not granted in time
   */
  takeNonBlocking(lock: LockRequest, limitMs: number, ask: () => Promise<unknown>): Promise<void> {
    return this.#ask([lock], { sql: lock.sql, limitMs }, false, ask);
  }

  async #ask(
    locks: readonly LockRequest[],
    { sql, limitMs }: LockTry,
    isFirst: boolean,
    ask: () => Promise<unknown>,
  ): Promise<void> {
    const client = this.#client;
    const beganAt = performance.now();
    const tables = locks.flatMap((lock) => lock.named ?? lock.relations);
    try {
      const [, , by] = await together(
        client,
        () => this.begin(),
        ask,
        () => lockedBy(client, sql, isFirst),
        () => requireLocked(client, tables),
        // Also of the last two: where the lock is granted at the very end of its time, that time cuts what follows it.
      );
      this.lockedBy.push(by);
    } catch (error) {
      const named = toNamedError(error, locks.map((lock) => lock.sql).join('; '));
      if (named instanceof LockTimeout) throw new LocksRefused(locks, named);
      // After the whole time it was our own limit; if it is earlier, another session cancelled the statement.
      if (!isCut(named, performance.now() - beganAt, limitMs)) throw named;
      throw new LocksRefused(locks, new LockTimeout(named.message, named.context, { cause: named }));
    }
  }

  /**
   * From `since` on others may wait, although no lock was requested: a statement has taken one that no list contains. Limits what follows.
   *
   * @param since as performance.now()
   */
  async hasBlocked(since: number): Promise<void> {
    this.blocksSince(since);
    const leftMs = this.#leftMs(performance.now());
    await lockUntil(this.#client, { leftMs, limitMs: leftMs });
  }

  /** The same where that statement has failed. */
  blocksSince(since: number): void {
    this.#blockingSince ??= since;
  }

  /** The transaction has ended, and its locks with it. */
  ended(): void {
    this.#endedAt ??= performance.now();
  }

  limits(): Limits | undefined {
    const now = performance.now();
    const leftMs = this.#leftMs(now);
    const { budgetMs, distance } = this.#options;
    // As long as it takes. But if this process freezes, the others wait no longer than the budget.
    if (leftMs === Infinity) return { statementMs: 0, lockMs: budgetMs, idleMs: budgetMs };
    // After the answer, COMMIT still has to be sent.
    if (leftMs <= distance.roundTripMs) return undefined;
    this.#until = now + leftMs;
    const idleMs = this.blocks ? leftMs + SERVER_MARGIN_MS : budgetMs + FROZEN_MS;
    return { statementMs: leftMs, lockMs: Math.min(leftMs, budgetMs), idleMs };
  }

  over(): P2pfkError {
    return this.late();
  }

  /** @throws what {@link LockedTransactionOptions.tooLate} returns, where it is too late for COMMIT */
  requireTime(): void {
    if (this.#leftMs(performance.now()) <= 0) throw this.late();
  }

  /**
   * Notes its statements in the ledger, the locks first, in this transaction.
   *
   * @returns the id of the first row
   */
  record(of: Omit<TransactionRecord, 'statements' | 'blockedMs'>, journal: readonly RanStatement[]): Promise<string> {
    const statements = [...this.lockedBy, ...journal];
    return recordTransaction(this.#client, { ...of, statements, blockedMs: this.blockedMs });
  }

  /** @param cause what has failed because of it */
  late(cause?: P2pfkError): P2pfkError {
    const { step, budgetMs, distance, undone } = this.#options;
    const why = isFar(distance, budgetMs) ? `: ${describeDistance(distance)}` : ' (--lock-timeout-ms allows it more)';
    const message = `${step} did not fit into the lock budget of ${budgetMs} ms; ${undone}${why}`;
    return this.#options.tooLate(message, cause);
  }

  /** Names an error of the work under the locks: whether our own limit has ended it, or the server the session. */
  nameFailure(error: unknown): P2pfkError {
    const named = toNamedError(error);
    if (isEnded(this.#client, named)) return this.late(named);
    return !(named instanceof LockTimeout) && this.#isCut(named) ? this.late(named) : named;
  }

  /**
   * A person's cancel has the same SQLSTATE as our own limit, which is judged by the time. Where a limit cuts ROLLBACK TO SAVEPOINT itself,
   * PostgreSQL aborts the whole transaction, and only the next statement reports it.
   */
  #isCut(named: P2pfkError): boolean {
    const state = named.context.sqlState ?? '';
    const isOver = performance.now() >= this.#until - this.#options.budgetMs * (1 - CUT_SHARE);
    return state === '57014' ? isOver : ABORTED.has(state) && (isOver || this.blocks);
  }

  #leftMs(now: number): number {
    const { budgetMs, announcedMs = 0, beforeMs = budgetMs } = this.#options;
    return this.#blockingSince === undefined ? beforeMs : this.#blockingSince + Math.max(budgetMs, announcedMs) - now;
  }
}

/** Whether the server has ended the session, because this process or the network was frozen. */
export function isEnded(client: Client, named: P2pfkError): boolean {
  return [sqlStateOf(named), sqlStateOfLoss(client)].some((state) => ENDED.has(state ?? ''));
}

/** Whether our own statement_timeout ended a statement, judged by the time: a person's cancel has the same SQLSTATE. */
export function isCut(error: unknown, spentMs: number, limitMs: number): boolean {
  return sqlStateOf(error) === '57014' && spentMs >= limitMs * CUT_SHARE;
}

/** Of a limit: a statement that was cut after that share of it was cut by the limit. Two clocks may differ. */
const CUT_SHARE = 0.9;
/** Milliseconds beyond the budget after which a process that does nothing counts as frozen, where no other session waits. */
const FROZEN_MS = 1_000;
/** SQLSTATEs of a session that was ended by idle_in_transaction_session_timeout, or by transaction_timeout (17 and newer). */
const ENDED: ReadonlySet<string> = new Set(['25P03', '25P04']);
/** SQLSTATEs of a statement in an aborted transaction, and of ROLLBACK TO a savepoint that was lost with it. */
const ABORTED: ReadonlySet<string> = new Set(['25P02', '3B001']);

const LOCKED_NOW = "set_config('p2pfk.locked_at', clock_timestamp()::text, true)";

/**
 * Sent in one packet with the LOCK, because others are waiting by then.
 *
 * @param sql what was run
 * @param isFirst stores for p2pfk.record_transaction that the lock was granted now
 * @returns the statement that took the lock: where there are several ways, `sql` tried one after the other
 */
async function lockedBy(client: Client, sql: string, isFirst: boolean): Promise<RanStatement> {
  const { rows } = await client.query<{ locked_by: string | null }>(
    `SELECT current_setting('p2pfk.locked_by', true) AS locked_by,
            set_config('p2pfk.locked_by', '', true) AS ignored${isFirst ? `, ${LOCKED_NOW} AS locked_at` : ''}`,
  );
  return { sql: rows[0]?.locked_by || sql };
}
