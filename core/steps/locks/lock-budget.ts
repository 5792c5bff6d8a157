/**
 * Statements that take strong locks, in one transaction that blocks the application for at most the lock budget: the wait for the
 * locks, the work under them and the pauses between our statements together. lock_timeout alone counts per lock, so a statement over
 * many partitions could wait many times as long, with the application queued behind it. statement_timeout on the LOCK statement
 * limits the sum. That first statement takes all locks; `lock-wait.ts` decides how it waits. After it, `session/deadline.ts` limits
 * each statement and the whole transaction. Work that is late is rolled back.
 *
 * The ledger notes each try, including failed tries and rehearsals: its statements, and for how long it blocked others at most.
 * That time starts at the request of the locks, because later requests queue behind a request that waits, and because a statement
 * that locks several relations holds the first ones while it waits for the others.
 */
import type { Client } from 'pg';
import { ReaderBusy, requireFreeReaders } from '../../checks/readers.ts';
import { LockTimeout, type P2pfkError } from '../../contracts/errors.ts';
import { isLost, sqlStateOfLoss } from '../../ledger/connect.ts';
import { type LedgerEvent, noteEvent } from '../../ledger/notes/events.ts';
import { noteHeld, recordTransaction } from '../../ledger/notes/record-transaction.ts';
import { changePair } from '../../ledger/pairs.ts';
import { describeHolders, describeYielded } from '../../postgres/locks/describe-holders.ts';
import {
  chooseTry,
  endAutovacuums,
  type LockRequest,
  type LockTry,
  lockHolders,
  type RelationHolder,
} from '../../postgres/locks/lock-wait.ts';
import { requireLocked } from '../../postgres/locks/locked-tables.ts';
import { messageOf, sqlStateOf, toNamedError } from '../../postgres/postgres-errors.ts';
import {
  type Deadline,
  lockUntil,
  SERVER_MARGIN_MS,
  together,
  underDeadline,
} from '../../postgres/session/deadline.ts';
import { inTransaction } from '../../postgres/session/transactions.ts';
import { type RanStatement, withJournal } from '../../postgres/statement-journal.ts';
import { applicationName, type StepContext } from '../context.ts';
import { type Distance, describeDistance, isFar, measureDistance } from './distance.ts';
import { describeEnded, endIdleBlockers } from './idle-blockers.ts';

export { lockHolders } from '../../postgres/locks/lock-wait.ts';

/** What to do under which locks. */
export interface LockedWork {
  readonly migrationId: string;
  readonly execution: string;
  /** Forward statements stop at the fence; those of a rollback run only behind it. */
  readonly direction: 'forward' | 'rollback';
  readonly step: string;
  readonly pair: number | null;
  /** Milliseconds that the wait for the locks and the work under them may take together. */
  readonly budgetMs: number;
  /** The same, if the plan has announced that it takes longer than the budget; Infinity: as long as it takes. */
  readonly announcedMs?: number;
  /** Answers of the server that the work waits for one after the other, at least, up to COMMIT; default {@link ROUND_TRIPS}. */
  readonly roundTrips?: number;
  /** Forecast of the work in milliseconds, where that is more than a tenth of the budget: the wait leaves time for it. */
  readonly heldMs?: number;
  /** Sessions that hold the lock are ended if they have been idle in a transaction for longer; undefined: never. */
  readonly terminateIdleAfterSeconds?: number | undefined;
  /** How the transaction ends if everything succeeded; default COMMIT. ROLLBACK makes it a rehearsal. */
  readonly end?: 'COMMIT' | 'ROLLBACK';
  /** The state that rehearses it, for the note of a rehearsal that succeeded. */
  readonly rehearsedIn?: string;
  readonly lock: LockRequest;
}

/** What was done, and how long it took. */
export interface LockedResult<Result> {
  readonly result: Result;
  readonly lockWaitMs: number;
  /** Milliseconds from the last lock's grant to COMMIT. */
  readonly heldMs: number;
  /** Milliseconds for which others were blocked at most: {@link lockWaitMs} and {@link heldMs} together. */
  readonly blockedMs: number;
}

/**
 * Takes the lock, runs `work`, commits. Each statement of `work` is limited to what is left of the budget. Statements that it runs
 * with `executeDdl` are noted in the ledger, in the same transaction.
 *
 * @param work its argument returns the milliseconds that are left of the budget
 * @throws LockTimeout with the holders, when the lock was not granted within the budget; the wait is noted in the ledger. Also when
 *   the work did not fit into the budget: then it was rolled back. And when the server is so far away that the work cannot fit, or a
 *   reader is in use (core/checks/readers.ts): then no lock was requested.
 * @throws ConnectionLost when a reader cannot be asked
 */
export async function underLock<Result>(
  context: StepContext,
  locked: LockedWork,
  work: (left: () => number) => Promise<Result>,
): Promise<LockedResult<Result>> {
  const { client } = context;
  const { heldMs = 0, roundTrips = ROUND_TRIPS } = locked;
  const distance = await measureDistance(client, roundTrips, allowedMs(locked));
  const next = await chooseTry(client, { ...locked, heldMs: heldMs + distance.forecastMs });
  return withJournal(client, async (journal) => {
    const attempt = new Attempt(context, locked, { journal, distance });
    try {
      const { lock, budgetMs, step } = locked;
      if (distance.forecastMs >= allowedMs(locked)) throw cannotFit(locked, distance);
      if (lock.mode === 'ACCESS EXCLUSIVE')
        await requireFreeReaders(client, { relations: lock.relations, budgetMs, step });
      const result = await inTransaction(client, () => attempt.run(next, work), locked.end);
      return { result, ...(await attempt.succeeded()) };
    } catch (error) {
      throw await attempt.failed(error);
    }
  });
}

/** Of most work under locks: the questions, the change, the ledger's note, and COMMIT. */
const ROUND_TRIPS = 4;

/** Milliseconds from the request of the locks to COMMIT. */
function allowedMs({ budgetMs, announcedMs = 0 }: LockedWork): number {
  return Math.max(budgetMs, announcedMs);
}

/** One try: when its locks were requested and granted, and what the ledger notes of it. */
class Attempt {
  readonly #context: StepContext;
  readonly #locked: LockedWork;
  readonly #journal: readonly RanStatement[];
  readonly #distance: Distance;
  /** 0: not requested yet. */
  #askedAt = 0;
  #grantedAt = 0;
  /** Milliseconds from the request of the locks to their grant or refusal. */
  #waitedMs = 0;
  /** The statements that took the locks. */
  #lockedBy: string;
  /** Id of the first row that the ledger has of this transaction. */
  #eventId: string | undefined;

  constructor(
    context: StepContext,
    locked: LockedWork,
    { journal, distance }: { readonly journal: readonly RanStatement[]; readonly distance: Distance },
  ) {
    this.#context = context;
    this.#locked = locked;
    this.#journal = journal;
    this.#distance = distance;
    this.#lockedBy = locked.lock.sql;
  }

  async run<Result>(next: LockTry, work: (left: () => number) => Promise<Result>): Promise<Result> {
    const { client } = this.#context;
    const { direction, migrationId, execution, budgetMs, end = 'COMMIT' } = this.#locked;
    await client.query(`SELECT p2pfk.enter${direction === 'rollback' ? '_rollback' : ''}($1, $2)`, [
      migrationId,
      execution,
    ]);
    this.#askedAt = performance.now();
    return underDeadline(client, this.#deadline(), async () => {
      await this.#lock(next);
      // Counted from the request: while it waited for one relation, it already held the others, and other sessions queued there.
      const result = await work(() => Math.max(1, this.#askedAt + budgetMs - performance.now()));
      if (end === 'COMMIT') await this.#record();
      if (this.#leftMs() <= 0) throw this.#late();
      return result;
    });
  }

  async #lock(next: LockTry): Promise<void> {
    const { client } = this.#context;
    const { named, relations } = this.#locked.lock;
    const refused = (error: unknown) => {
      this.#waitedMs = performance.now() - this.#askedAt;
      throw refusedTry(error, this.#waitedMs, this.#locked, next);
    };
    const [, , lockedBy] = await together(
      client,
      () => client.query("SELECT set_config('p2pfk.began_at', clock_timestamp()::text, true)"),
      () => lockUntil(client, { leftMs: this.#leftMs(), limitMs: next.limitMs }, next.sql),
      () => granted(client),
      () => requireLocked(client, named ?? relations),
      // Also of the last two: where the lock is granted at the very end of its time, that time cuts what follows it.
    ).catch(refused);
    this.#grantedAt = performance.now();
    this.#waitedMs = this.#grantedAt - this.#askedAt;
    if (lockedBy !== '') this.#lockedBy = lockedBy;
  }

  /** Milliseconds that are left; not positive: none. */
  #leftMs(): number {
    return this.#askedAt + allowedMs(this.#locked) - performance.now();
  }

  #deadline(): Deadline {
    return {
      limits: () => {
        const leftMs = this.#leftMs();
        const { budgetMs } = this.#locked;
        // As long as it takes. But if this process freezes, the others wait no longer than the budget.
        if (leftMs === Infinity) return { statementMs: 0, lockMs: budgetMs, idleMs: budgetMs };
        // After the answer, COMMIT still has to be sent.
        return leftMs > this.#distance.roundTripMs
          ? { statementMs: leftMs, lockMs: leftMs, idleMs: leftMs + SERVER_MARGIN_MS }
          : undefined;
      },
      over: () => this.#late(),
    };
  }

  #late(): LockTimeout {
    return doesNotFit(undefined, this.#locked, this.#distance);
  }

  async #record(): Promise<void> {
    const { client } = this.#context;
    const { migrationId, pair, step, execution } = this.#locked;
    const statements = [{ sql: this.#lockedBy }, ...this.#journal];
    this.#eventId = await recordTransaction(client, {
      migrationId,
      execution,
      pair,
      step,
      statements,
      blockedMs: this.#blockedMs(),
    });
  }

  /** Undefined where the locks block no reader and no writer. */
  #blockedMs(): number | undefined {
    if (this.#askedAt === 0 || this.#locked.lock.mode === 'SHARE UPDATE EXCLUSIVE') return undefined;
    return performance.now() - this.#askedAt;
  }

  /**
   * Notes the end of the transaction, after it. A rehearsal is noted only now, because its rollback would have removed an earlier
   * note.
   */
  async succeeded(): Promise<Omit<LockedResult<unknown>, 'result'>> {
    const now = performance.now();
    const heldMs = now - this.#grantedAt;
    const lockWaitMs = this.#waitedMs;
    const blockedMs = this.#blockedMs();
    if (this.#eventId !== undefined && blockedMs !== undefined)
      await this.#tryToNote((client) => noteHeld(client, this.#eventId ?? '', blockedMs));
    if (this.#locked.end === 'ROLLBACK') {
      const sql = [this.#lockedBy, ...this.#journal.map((statement) => statement.sql), 'ROLLBACK'].join(';\n');
      const event = { sql, durationMs: heldMs, blockedMs, error: null };
      await this.#tryToNote((client) => this.#note(client, event, this.#locked.rehearsedIn));
    }
    return { lockWaitMs, heldMs, blockedMs: now - this.#askedAt };
  }

  /** Names the failure, after ROLLBACK, and notes it where locks were requested. */
  async failed(error: unknown): Promise<P2pfkError> {
    const { client } = this.#context;
    const blockedMs = this.#blockedMs();
    const spentMs = performance.now() - this.#askedAt;
    const isGranted = this.#grantedAt > 0;
    const named = isGranted ? this.#workError(error, spentMs) : toNamedError(error);
    if (named instanceof ReaderBusy) return noteReaderBusy(this.#context, this.#locked, named);
    // The server has ended the session, because this process or the network was frozen.
    const isEnded = [named.context.sqlState, sqlStateOfLoss(client)].some((state) => ENDED.has(state ?? ''));
    const failure = isEnded && this.#askedAt > 0 ? doesNotFit(named, this.#locked, this.#distance) : named;
    if (failure instanceof LockTimeout) {
      const waits = { waitedMs: this.#waitedMs, blockedMs };
      if (isLost(client)) return this.#refusedWithoutSession(failure, waits);
      // The lock was granted and then the work took too long, or it was not requested: there is no holder to name.
      const { relations, mode } = this.#locked.lock;
      const holders = isGranted || this.#askedAt === 0 ? [] : await lockHolders(client, relations, mode);
      return noteRefusal(this.#context, this.#locked, failure, { ...waits, holders });
    }
    if (this.#askedAt > 0) {
      const event = { sql: this.#lockedBy, durationMs: spentMs, blockedMs, error: messageOf(failure) };
      await this.#tryToNote((session) => this.#note(session, event));
    }
    return failure;
  }

  /**
   * The error of work under the lock. 57014 after the whole budget is our own statement_timeout, too: the step is retried, as after
   * a lock that was not free. Where a time-out cuts ROLLBACK TO SAVEPOINT itself, PostgreSQL aborts the whole transaction, and only
   * the next statement reports it.
   */
  #workError(error: unknown, spentMs: number): P2pfkError {
    const named = toNamedError(error);
    if (named instanceof LockTimeout) return named;
    const isAborted = ABORTED.has(named.context.sqlState ?? '');
    return isAborted || isCut(named, spentMs, allowedMs(this.#locked))
      ? doesNotFit(named, this.#locked, this.#distance)
      : named;
  }

  #note(
    client: Client,
    event: Pick<LedgerEvent, 'sql' | 'durationMs' | 'blockedMs' | 'error'>,
    step = this.#locked.step,
  ): Promise<void> {
    const { migrationId, execution, pair } = this.#locked;
    return noteEvent(client, migrationId, { execution, pair, step, waitedMs: this.#waitedMs, ...event });
  }

  /** Notes a failed try through another session. */
  async #refusedWithoutSession(
    failure: LockTimeout,
    waits: { readonly waitedMs: number; readonly blockedMs: number | undefined },
  ): Promise<LockTimeout> {
    let noted = failure;
    const note = async (client: Client) => {
      noted = await noteRefusal({ ...this.#context, client }, this.#locked, failure, { ...waits, holders: [] });
    };
    await this.#tryToNote(note, { isLost: true });
    return noted;
  }

  /** Writes a note that nothing depends on. If the session is lost, another session writes it. */
  async #tryToNote(
    write: (client: Client) => Promise<void>,
    { isLost = sqlStateOfLoss(this.#context.client) !== undefined } = {},
  ): Promise<void> {
    const { client, logger, openSession, closeSession } = this.#context;
    try {
      if (!isLost) return await write(client);
      const session = await openSession(applicationName(this.#locked.migrationId, 'evidence'));
      await write(session).finally(() => closeSession(session));
    } catch (error) {
      logger.warn('could not note in the ledger how long locks were held', { reason: messageOf(error) });
    }
  }
}

/**
 * Stores when the lock was granted, for the ledger. Sent in one packet with the LOCK, because others are waiting by then.
 *
 * @returns the statements that took the locks, where there were several ways; else an empty text
 */
async function granted(client: Client): Promise<string> {
  const { rows } = await client.query<{ locked_by: string | null }>(
    `SELECT set_config('p2pfk.locked_at', clock_timestamp()::text, true),
            current_setting('p2pfk.locked_by', true) AS locked_by`,
  );
  return rows[0]?.locked_by ?? '';
}

/**
 * 57014 after the whole wait is our own statement_timeout: the lock was not granted. If it is earlier, another session cancelled
 * the statement.
 */
function refusedTry(error: unknown, waitedMs: number, { lock }: LockedWork, { limitMs }: LockTry): P2pfkError {
  const named = toNamedError(error, lock.sql);
  return isCut(named, waitedMs, limitMs) ? new LockTimeout(named.message, named.context, { cause: named }) : named;
}

/** Whether our own statement_timeout ended a statement, judged by the time: a person's cancel has the same SQLSTATE. */
export function isCut(error: unknown, spentMs: number, limitMs: number): boolean {
  return sqlStateOf(error) === '57014' && spentMs >= limitMs * 0.9;
}

/** SQLSTATEs of a statement in an aborted transaction, and of ROLLBACK TO a savepoint that was lost with it. */
const ABORTED: ReadonlySet<string> = new Set(['25P02', '3B001']);

/** SQLSTATEs of a session that was ended by idle_in_transaction_session_timeout, or by transaction_timeout (17 and newer). */
export const ENDED: ReadonlySet<string> = new Set(['25P03', '25P04']);

function doesNotFit(named: P2pfkError | undefined, locked: LockedWork, distance: Distance): LockTimeout {
  const { step, budgetMs } = locked;
  const why = isFar(distance, budgetMs) ? `: ${describeDistance(distance)}` : ' (--lock-timeout-ms allows it more)';
  const message = `${step} did not fit into the lock budget of ${budgetMs} ms; it was rolled back${why}`;
  return new LockTimeout(message, named?.context ?? {}, { cause: named });
}

function cannotFit({ step, budgetMs }: LockedWork, distance: Distance): LockTimeout {
  return new LockTimeout(
    `${step} does not fit into the lock budget of ${budgetMs} ms, so no lock was asked for: ${describeDistance(distance)}`,
  );
}

async function noteRefusal(
  { client }: StepContext,
  locked: LockedWork,
  error: LockTimeout,
  refusal: {
    readonly waitedMs: number;
    readonly blockedMs: number | undefined;
    readonly holders: readonly RelationHolder[];
  },
): Promise<LockTimeout> {
  const { migrationId, execution, pair, step } = locked;
  const { waitedMs, blockedMs, holders } = refusal;
  const ended = await endIdleBlockers(client, locked, holders);
  const yielded = await endAutovacuums(client, holders);
  const message =
    error.context.statement === locked.lock.sql
      ? `no lock within ${locked.budgetMs} ms for ${step}: ${describeHolders(holders)}${describeEnded(ended)}${describeYielded(yielded)}`
      : error.message;
  if (pair !== null)
    await changePair(client, migrationId, pair, { attempts: 1, lock_wait_ms: waitedMs, last_error: message });
  await noteEvent(client, migrationId, {
    execution,
    pair,
    step,
    sql: locked.lock.sql,
    waitedMs,
    blockedMs,
    durationMs: waitedMs,
    error: message,
  });
  return new LockTimeout(message, { ...error.context, holders }, { cause: error });
}

/**
 * Notes that a reader is in use. Nothing was locked, and the holders are sessions of another server, which are neither ended nor
 * made to yield.
 */
async function noteReaderBusy(
  { client }: StepContext,
  { migrationId, execution, pair, step, lock }: LockedWork,
  busy: ReaderBusy,
): Promise<ReaderBusy> {
  const { message } = busy;
  if (pair !== null) await changePair(client, migrationId, pair, { attempts: 1, last_error: message });
  await noteEvent(client, migrationId, { execution, pair, step, sql: lock.sql, durationMs: null, error: message });
  return busy;
}
