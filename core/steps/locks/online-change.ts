/**
 * One change to a migrated table that a person's command makes, without an execution: everything in one transaction, which blocks
 * the application for at most the lock budget (`locked-transaction.ts`), retried with jitter, and noted in the ledger if there is one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { requireFreeReaders } from '../../checks/readers.ts';
import { blockedBy } from '../../contracts/blocked.ts';
import type { Blocked } from '../../contracts/documents.ts';
import {
  DeadlockDetected,
  LockTimeout,
  MigrationInProgress,
  type P2pfkError,
  StatementCanceled,
} from '../../contracts/errors.ts';
import { noteEvent } from '../../ledger/notes/events.ts';
import { noteHeld } from '../../ledger/notes/record-transaction.ts';
import { execute, executeDdl } from '../../postgres/execute.ts';
import { describeHolders, describeYielded } from '../../postgres/locks/describe-holders.ts';
import {
  chooseTryAfter,
  endAutovacuums,
  type LockRequest,
  type LockTry,
  lockHolders,
  type RelationHolder,
} from '../../postgres/locks/lock-wait.ts';
import { messageOf, toNamedError } from '../../postgres/postgres-errors.ts';
import { together, underDeadline } from '../../postgres/session/deadline.ts';
import { rollBack } from '../../postgres/session/transactions.ts';
import { expectAnswersWithin } from '../../postgres/session/unanswered.ts';
import { run } from '../../postgres/sql.ts';
import { type RanStatement, withJournal } from '../../postgres/statement-journal.ts';
import { describeDistance, measureDistance } from './distance.ts';
import { isCut, isEnded, LockedTransaction, LocksRefused, ROUND_TRIPS } from './locked-transaction.ts';

/** What to do under which locks. */
export interface OnlineChange {
  /** Name of the step in the ledger and in messages. */
  readonly step: string;
  readonly migrationId: string | null;
  /** Milliseconds that the wait for strong locks and the work under them may take together. */
  readonly budgetMs: number;
  /** In the order in which they are taken, weakest first. All locks after the first strong one are strong. */
  readonly locks: readonly LockRequest[];
  /** Answers of the server that the work waits for one after the other, at least, up to COMMIT; default {@link ROUND_TRIPS}. */
  readonly roundTrips?: number;
  /** Ends with ROLLBACK: proves that the change will work, and changes nothing. */
  readonly rehearsal?: boolean;
}

/** What the work under the locks can call. */
export interface Budget {
  /** Runs one statement with what is left of the time. */
  run(sql: string): Promise<void>;
  /**
   * Runs work as `together` of session/deadline.ts does, but at the same time only if others wait already. Before that, a statement
   * may take a lock that no list contains; it has to be noticed before the next statement is sent.
   */
  together<Results extends readonly unknown[]>(
    ...work: { readonly [Index in keyof Results]: () => Promise<Results[Index]> }
  ): Promise<Results>;
  /** Takes one more strong lock, which was not known before. The budget starts here, unless it has started already. */
  lock(lock: LockRequest): Promise<void>;
}

/** What was done, and how long it took. */
export interface Changed<Result> {
  readonly result: Result;
  readonly lockWaitMs: number;
  /** Milliseconds from the last lock's grant to COMMIT. */
  readonly heldMs: number;
  /** By all tries together, including those that failed. */
  readonly blocked: Blocked;
}

/** The work under the locks did not fit into the budget, although it had nearly all of it, so the next try would fail, too. */
export class BudgetExceeded extends StatementCanceled {}

/** The work did not fit because the wait for the locks took a share of the budget: a try that waits less may succeed. */
class WaitedTooLong extends LockTimeout {}

/** Number of tries for a lock, with pauses that double up to two seconds, with full jitter. */
const TRIES = 6;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Milliseconds for work under SHARE UPDATE EXCLUSIVE only, which blocks no reader and no writer. Under other locks there is only
 * the budget.
 */
const NON_BLOCKING_WORK_MS = 30_000;
/** Share of the budget that is reserved for the work, after it did not fit behind a longer wait. */
const FOR_LONG_WORK = 0.9;

/**
 * Takes the locks, runs `work`, commits.
 *
 * @throws LockTimeout with the holders, when the locks were not granted in any of the tries
 * @throws BudgetExceeded when the work under the locks did not fit into the budget
 * @throws MigrationInProgress when the ledger has the migration as unfinished
 */
export async function changeOnline<Result>(
  client: Client,
  change: OnlineChange,
  work: (budget: Budget) => Promise<Result>,
): Promise<Changed<Result>> {
  let heldMs = 0;
  const blocked: number[] = [];
  for (let refusals = 0; ; refusals++) {
    const attempt = new Try(client, change, { refusals, heldMs });
    try {
      const changed = await withJournal(client, (journal) => changeOnce(client, attempt, journal, work));
      blocked.push(...attempt.blockedMs);
      return { ...changed, blocked: blockedBy(blocked) };
    } catch (error) {
      blocked.push(...attempt.blockedMs);
      await attempt.noteFailure(error);
      const lost = error instanceof LockTimeout || error instanceof DeadlockDetected;
      if (!lost || refusals + 1 === TRIES) throw error;
      if (error instanceof WaitedTooLong) heldMs = change.budgetMs * FOR_LONG_WORK;
      await delay(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (refusals + 1)));
    }
  }
}

async function changeOnce<Result>(
  client: Client,
  attempt: Try,
  journal: readonly RanStatement[],
  work: (budget: Budget) => Promise<Result>,
): Promise<Omit<Changed<Result>, 'blocked'>> {
  const { budgetMs, migrationId, step, locks, rehearsal } = attempt.change;
  const beganAt = performance.now();
  const nonBlocking = locks.filter(isNonBlocking);
  const strong = locks.filter((lock) => !isNonBlocking(lock));
  const wanted = asOne(strong);
  const transaction = await attempt.measured({ isStrong: strong.length > 0 });
  // Before the first lock, because these questions take time, too.
  const next = wanted && (await attempt.choose(wanted));
  let grantedAt: number | undefined;
  let eventId: string | undefined;
  const exclusive = strong.filter(({ mode }) => mode === 'ACCESS EXCLUSIVE').flatMap(({ relations }) => relations);
  if (exclusive.length > 0) await requireFreeReaders(client, { relations: exclusive, budgetMs, step });
  await client.query('BEGIN');
  try {
    if (migrationId !== null) await holdMigration(client, migrationId, budgetMs);
    await transaction.begin();
    for (const lock of nonBlocking) {
      await limit(client, budgetMs);
      await transaction.takeNonBlocking(lock, budgetMs, () => execute(client, lock.sql));
    }
    const result = await underDeadline(client, transaction, async () => {
      await (next ? transaction.take(strong, next) : transaction.locked());
      grantedAt = performance.now();
      const worked = await work(attempt);
      if (migrationId !== null && !rehearsal)
        eventId = await transaction.record({ migrationId, execution: null, pair: null, step }, journal);
      transaction.requireTime();
      return worked;
    });
    await client.query(rehearsal ? 'ROLLBACK' : 'COMMIT');
    transaction.ended();
    await attempt.noteHeld(eventId);
    const workedFrom = grantedAt ?? beganAt;
    return { result, lockWaitMs: workedFrom - beganAt, heldMs: performance.now() - workedFrom };
  } catch (error) {
    const spentMs = performance.now() - beganAt;
    await rollBack(client);
    transaction.ended();
    if (error instanceof LocksRefused) throw await attempt.nameHolders(error);
    throw grantedAt === undefined ? attempt.notGranted(error, spentMs) : attempt.nameFailure(error);
  }
}

function isNonBlocking({ mode }: LockRequest): boolean {
  return mode === 'SHARE UPDATE EXCLUSIVE';
}

/**
 * Several locks as one request, of which a try gets all or none: in their order, or with the first one last, because a
 * transaction that has one and needs another may wait for us.
 */
function asOne(locks: readonly LockRequest[]): LockRequest | undefined {
  const [first, ...more] = locks;
  if (!first) return undefined;
  const rest = asOne(more);
  if (!rest) return { ...first, nowaitFirst: isNowait(first) };
  return {
    ...rest,
    sql: `${first.sql}${isNowait(rest) && !isNowait(first) ? ' NOWAIT' : ''}; ${rest.sql}`,
    ways: (rest.ways ?? [[rest.sql]]).flatMap((way) => [
      [first.sql, ...way],
      [...way, first.sql],
    ]),
  };
}

/** Whether the first try is NOWAIT and blocks no session; later tries wait in the `ways` of the lock, where it has some. */
function isNowait({ sql }: LockRequest): boolean {
  return sql.endsWith(' NOWAIT');
}

/** What earlier tries have shown. */
interface Before {
  /** Number of tries that did not get the lock. */
  readonly refusals: number;
  /** Milliseconds that the work is known to need. */
  readonly heldMs: number;
}

/** One try. */
class Try implements Budget {
  readonly change: OnlineChange;
  readonly #client: Client;
  readonly #before: Before;
  #transaction: LockedTransaction | undefined;

  constructor(client: Client, change: OnlineChange, before: Before) {
    this.#client = client;
    this.change = change;
    this.#before = before;
  }

  choose(lock: LockRequest): Promise<LockTry> {
    return chooseTryAfter(this.#client, { ...this.#before, budgetMs: this.change.budgetMs, lock });
  }

  /**
   * The transaction, once it is measured how far away the server is.
   *
   * @param options.isStrong the transaction begins with a strong lock
   * @throws BudgetExceeded when the work cannot fit into the budget
   */
  async measured({ isStrong }: { readonly isStrong: boolean }): Promise<LockedTransaction> {
    const { budgetMs, step, roundTrips = ROUND_TRIPS } = this.change;
    const distance = await measureDistance(this.#client, roundTrips, budgetMs);
    if (isStrong && distance.forecastMs >= budgetMs)
      throw new BudgetExceeded(
        `${step} does not fit into the lock budget of ${budgetMs} ms, so no lock was asked for, and nothing was changed: ${describeDistance(distance)}`,
      );
    this.#transaction = new LockedTransaction(this.#client, {
      step,
      budgetMs,
      beforeMs: NON_BLOCKING_WORK_MS,
      distance,
      undone: 'it was rolled back, nothing was changed',
      tooLate: (message, cause) => this.#tooLate(message, cause),
    });
    return this.#transaction;
  }

  get #measured(): LockedTransaction {
    if (!this.#transaction) throw new Error('this try has no transaction yet');
    return this.#transaction;
  }

  #tooLate(message: string, cause: P2pfkError | undefined): BudgetExceeded | WaitedTooLong {
    const { budgetMs } = this.change;
    // The server has ended the session: there is none for a retry.
    const isGone = cause !== undefined && isEnded(this.#client, cause);
    const isLongWait = this.#measured.waitedMs > budgetMs * (1 - FOR_LONG_WORK) + CLOCK_MS;
    const Failure = isLongWait && !isGone ? WaitedTooLong : BudgetExceeded;
    return new Failure(message, cause?.context ?? {}, { cause });
  }

  /** Names the holders of locks that were refused. Call it after ROLLBACK. */
  async nameHolders({ locks, refusal }: LocksRefused): Promise<LockTimeout> {
    const client = this.#client;
    const { step, budgetMs } = this.change;
    const holders: RelationHolder[] = [];
    for (const { relations, mode } of locks) holders.push(...(await lockHolders(client, relations, mode)));
    const yielded = describeYielded(await endAutovacuums(client, holders));
    return new LockTimeout(
      `no lock within ${budgetMs} ms for ${step}, nothing was changed: ${describeHolders(holders)}${yielded}`,
      { ...refusal.context, holders },
      { cause: refusal },
    );
  }

  /** Milliseconds for which others were blocked at most; empty where none were. */
  get blockedMs(): number[] {
    const blockedMs = this.#transaction?.blockedMs;
    return blockedMs === undefined ? [] : [blockedMs];
  }

  /** Notes how long the locks were held. The change does not depend on the note. */
  async noteHeld(eventId: string | undefined): Promise<void> {
    const [blockedMs] = this.blockedMs;
    if (eventId === undefined || blockedMs === undefined) return;
    await noteHeld(this.#client, eventId, blockedMs).catch(() => undefined);
  }

  /** Notes a try that blocked others and failed; a dry run leaves no trace in the ledger. */
  async noteFailure(error: unknown): Promise<void> {
    const { migrationId, step, locks, rehearsal } = this.change;
    const [blockedMs] = this.blockedMs;
    if (migrationId === null || rehearsal || blockedMs === undefined) return;
    const sql = locks.map((lock) => lock.sql).join(';\n');
    const { waitedMs } = this.#measured;
    const event = { pair: null, step, sql, waitedMs, blockedMs, durationMs: blockedMs, error: messageOf(error) };
    await noteEvent(this.#client, migrationId, event).catch(() => undefined);
  }

  async lock(lock: LockRequest): Promise<void> {
    await this.#measured.take([lock], await this.choose({ ...lock, nowaitFirst: isNowait(lock) }));
  }

  async run(sql: string): Promise<void> {
    const client = this.#client;
    const transaction = this.#measured;
    if (transaction.blocks) {
      await executeDdl(client, sql);
      return;
    }
    const from = performance.now();
    try {
      const [, blocksOthers] = await together(
        client,
        () => executeDdl(client, sql),
        () => this.#blocksOthers(),
      );
      if (!blocksOthers) return;
    } catch (error) {
      // It waited for a lock that was not in our list, and others waited behind it.
      if (error instanceof LockTimeout) transaction.blocksSince(from);
      throw error;
    }
    await transaction.hasBlocked(from);
  }

  async together<Results extends readonly unknown[]>(
    ...work: { readonly [Index in keyof Results]: () => Promise<Results[Index]> }
  ): Promise<Results> {
    if (this.#measured.blocks) return together<Results>(this.#client, ...work);
    const results: unknown[] = [];
    for (const one of work) results.push(await one());
    return results as unknown as Results;
  }

  /** Whether a statement has locked a table that existed before, even if no list of locks has it. */
  async #blocksOthers(): Promise<boolean> {
    return (await run(this.#client, 'checks/own-strong-locks')).length > 0;
  }

  /** @param spentMs since the try began: it has waited before the first strong lock, for example for the ledger's row of the migration */
  notGranted(error: unknown, spentMs: number): unknown {
    const named = toNamedError(error);
    const { step, budgetMs } = this.change;
    if (named instanceof LockTimeout || !isCut(named, spentMs, budgetMs)) return named;
    const message = `no lock within ${budgetMs} ms for ${step}, nothing was changed`;
    return new LockTimeout(message, named.context, { cause: named });
  }

  nameFailure(error: unknown): P2pfkError {
    return this.#measured.nameFailure(error);
  }
}

/** Milliseconds by which two clocks may differ: the server's, which cuts a statement, and this process's. */
const CLOCK_MS = 5;

/** Limits each following statement of this transaction, including its lock waits. */
async function limit(client: Client, limitMs: number): Promise<void> {
  expectAnswersWithin(client, limitMs);
  await client.query("SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true)", [
    String(Math.max(1, Math.ceil(limitMs))),
  ]);
}

/**
 * Locks the ledger's row of a migration that is complete; until our transaction ends, no execution resumes it.
 *
 * @throws MigrationInProgress when the migration is not complete
 */
async function holdMigration(client: Client, id: string, budgetMs: number): Promise<void> {
  await limit(client, budgetMs);
  const [migration] = await run(client, 'provision/hold-migration', {
    migration_id: id,
  });
  if (migration?.state === 'migrated') return;
  throw new MigrationInProgress(
    `refused, nothing was changed: migration ${id} is ${migration?.state ?? 'gone'}${migration ? `, last by ${migration.execution}` : ''}; finish it with p2pfk migrate or p2pfk rollback first`,
  );
}
