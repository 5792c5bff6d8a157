/**
 * Statements that take strong locks, in one transaction that blocks the application for at most the lock budget: the wait for the
 * locks and the work under them together. lock_timeout alone counts per lock, so a statement over many partitions could wait many
 * times as long, with the application queued behind it. statement_timeout on the LOCK statement limits the sum. That first
 * statement takes all locks; `lock-wait.ts` decides how it waits.
 *
 * The ledger notes each try, including failed tries and rehearsals: its statements, and for how long it blocked others at most.
 * That time starts at the request of the locks, because later requests queue behind a request that waits, and because a statement
 * that locks several relations holds the first ones while it waits for the others.
 */
import type { Client } from 'pg';
import { ReaderBusy, requireFreeReaders } from '../../checks/readers.ts';
import { LockTimeout, type P2pfkError } from '../../contracts/errors.ts';
import { sqlStateOfLoss } from '../../ledger/connect.ts';
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
import { inTransaction } from '../../postgres/session/transactions.ts';
import { expectAnswersWithin } from '../../postgres/session/unanswered.ts';
import { type RanStatement, withJournal } from '../../postgres/statement-journal.ts';
import { applicationName, type StepContext } from '../context.ts';
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
 * Takes the lock, runs `work`, commits. Statements that `work` runs with `executeDdl` are noted in the ledger, in the same
 * transaction.
 *
 * @param work its argument returns the milliseconds that are left of the budget
 * @throws LockTimeout with the holders, when the lock was not granted within the budget; the wait is noted in the ledger. Also
 *   when a reader is in use (core/checks/readers.ts); then no lock was requested.
 * @throws ConnectionLost when a reader cannot be asked
 */
export async function underLock<Result>(
  context: StepContext,
  locked: LockedWork,
  work: (left: () => number) => Promise<Result>,
): Promise<LockedResult<Result>> {
  const { client } = context;
  const next = await chooseTry(client, locked);
  return withJournal(client, async (journal) => {
    const attempt = new Attempt(context, locked, journal);
    try {
      const { lock, budgetMs, step } = locked;
      if (lock.mode === 'ACCESS EXCLUSIVE')
        await requireFreeReaders(client, { relations: lock.relations, budgetMs, step });
      const result = await inTransaction(client, () => attempt.run(next, work), locked.end);
      return { result, ...(await attempt.succeeded()) };
    } catch (error) {
      throw await attempt.failed(error);
    }
  });
}

/** One try: when its locks were requested and granted, and what the ledger notes of it. */
class Attempt {
  readonly #context: StepContext;
  readonly #locked: LockedWork;
  readonly #journal: readonly RanStatement[];
  /** 0: not requested yet. */
  #askedAt = 0;
  #grantedAt = 0;
  /** Milliseconds from the request of the locks to their grant or refusal. */
  #waitedMs = 0;
  /** The statements that took the locks. */
  #lockedBy: string;
  /** Id of the first row that the ledger has of this transaction. */
  #eventId: string | undefined;

  constructor(context: StepContext, locked: LockedWork, journal: readonly RanStatement[]) {
    this.#context = context;
    this.#locked = locked;
    this.#journal = journal;
    this.#lockedBy = locked.lock.sql;
  }

  async run<Result>(next: LockTry, work: (left: () => number) => Promise<Result>): Promise<Result> {
    const { client } = this.#context;
    const { direction, migrationId, execution, budgetMs, end = 'COMMIT' } = this.#locked;
    await client.query(`SELECT p2pfk.enter${direction === 'rollback' ? '_rollback' : ''}($1, $2)`, [
      migrationId,
      execution,
    ]);
    await prepareTry(client, next.limitMs, budgetMs);
    this.#askedAt = performance.now();
    try {
      await client.query(next.sql);
    } catch (error) {
      this.#waitedMs = performance.now() - this.#askedAt;
      throw refusedTry(error, this.#waitedMs, this.#locked, next);
    }
    this.#grantedAt = performance.now();
    this.#waitedMs = this.#grantedAt - this.#askedAt;
    // Counted from the request: while it waited for one relation, it already held the others, and other sessions queued there.
    const left = () => Math.max(1, this.#askedAt + budgetMs - performance.now());
    try {
      const lockedBy = await granted(client, { leftMs: left(), budgetMs });
      await requireLocked(client, this.#locked.lock.named ?? this.#locked.lock.relations);
      if (lockedBy !== '') this.#lockedBy = lockedBy;
    } catch (error) {
      // This statement still has the limit of the try, which may be a fraction of the budget.
      throw isCut(error, performance.now() - this.#grantedAt, next.limitMs)
        ? doesNotFit(toNamedError(error), this.#locked)
        : error;
    }
    const result = await work(left);
    if (end === 'COMMIT') await this.#record(left());
    return result;
  }

  async #record(leftMs: number): Promise<void> {
    const { client } = this.#context;
    const { migrationId, pair, step, execution } = this.#locked;
    await limit(client, Math.max(leftMs, RECORD_MS));
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
    const named = isGranted ? workError(error, spentMs, this.#locked) : toNamedError(error);
    if (named instanceof ReaderBusy) return noteReaderBusy(this.#context, this.#locked, named);
    // 25P03, our own idle_in_transaction_session_timeout: this process was frozen for the whole budget. The server has ended its
    // session.
    const isFrozen = [named.context.sqlState, sqlStateOfLoss(client)].includes('25P03');
    if (!isFrozen && named instanceof LockTimeout) {
      // The lock was granted, and then the work took too long: there is no holder to name.
      const { relations, mode } = this.#locked.lock;
      const holders = isGranted ? [] : await lockHolders(client, relations, mode);
      return noteRefusal(this.#context, this.#locked, named, { waitedMs: this.#waitedMs, blockedMs, holders });
    }
    const failure = isFrozen ? doesNotFit(named, this.#locked) : named;
    if (this.#askedAt > 0) {
      const event = { sql: this.#lockedBy, durationMs: spentMs, blockedMs, error: messageOf(failure) };
      await this.#tryToNote((session) => this.#note(session, event));
    }
    return failure;
  }

  #note(
    client: Client,
    event: Pick<LedgerEvent, 'sql' | 'durationMs' | 'blockedMs' | 'error'>,
    step = this.#locked.step,
  ): Promise<void> {
    const { migrationId, execution, pair } = this.#locked;
    return noteEvent(client, migrationId, { execution, pair, step, waitedMs: this.#waitedMs, ...event });
  }

  /** Writes a note that nothing depends on. If the session is lost, another session writes it. */
  async #tryToNote(write: (client: Client) => Promise<void>): Promise<void> {
    const { client, logger, openSession } = this.#context;
    try {
      if (sqlStateOfLoss(client) === undefined) return await write(client);
      const session = await openSession(applicationName(this.#locked.migrationId, 'evidence'));
      await write(session).finally(() => session.end());
    } catch (error) {
      logger.warn('could not note in the ledger how long locks were held', { reason: messageOf(error) });
    }
  }
}

/** Milliseconds for the ledger's own note after the budget is used up; the contract allows more than that beyond the budget. */
const RECORD_MS = 100;

/**
 * Stores when the lock was granted, for the ledger, and limits the next statement to what is left of the budget. One round trip,
 * because others are waiting by now.
 *
 * @returns the statements that took the locks, where there were several ways; else an empty text
 */
async function granted(client: Client, { leftMs, budgetMs }: { leftMs: number; budgetMs: number }): Promise<string> {
  expectAnswersWithin(client, leftMs);
  const { rows } = await client.query<{ locked_by: string | null }>(
    `SELECT set_config('p2pfk.locked_at', clock_timestamp()::text, true),
            set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true),
            set_config('idle_in_transaction_session_timeout', $2, true),
            current_setting('p2pfk.locked_by', true) AS locked_by`,
    [String(Math.ceil(leftMs)), String(Math.ceil(Math.max(leftMs, budgetMs / 10)))],
  );
  return rows[0]?.locked_by ?? '';
}

/**
 * Limits of the statement that follows. They are set in one statement, so that no other statement of ours runs under a limit that
 * may be very short: it would be cut on a busy machine, and look like a person's cancel. If this process or its network freezes
 * under the lock, the server ends the session and with it the lock.
 */
async function prepareTry(client: Client, limitMs: number, budgetMs: number): Promise<void> {
  expectAnswersWithin(client, limitMs);
  await client.query(
    `SELECT set_config('p2pfk.began_at', clock_timestamp()::text, true),
            set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true),
            set_config('idle_in_transaction_session_timeout', $2, true)`,
    [String(Math.max(1, Math.ceil(limitMs))), String(Math.ceil(budgetMs))],
  );
}

/** Limits each following statement of this transaction, including its lock waits. */
export async function limit(client: Client, budgetMs: number): Promise<void> {
  const milliseconds = String(Math.max(1, Math.ceil(budgetMs)));
  expectAnswersWithin(client, budgetMs);
  await client.query("SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true)", [
    milliseconds,
  ]);
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

/**
 * The error of work under the lock. 57014 after the whole budget is our own statement_timeout, too: the step is retried, as after
 * a lock that was not free. Where a time-out cuts ROLLBACK TO SAVEPOINT itself, PostgreSQL aborts the whole transaction, and only
 * the next statement reports it.
 */
function workError(error: unknown, spentMs: number, locked: LockedWork): P2pfkError {
  const named = toNamedError(error);
  if (named instanceof LockTimeout) return named;
  const isAborted = ABORTED.has(named.context.sqlState ?? '');
  return isAborted || isCut(named, spentMs, locked.budgetMs) ? doesNotFit(named, locked) : named;
}

/** SQLSTATEs of a statement in an aborted transaction, and of ROLLBACK TO a savepoint that was lost with it. */
const ABORTED: ReadonlySet<string> = new Set(['25P02', '3B001']);

function doesNotFit(named: P2pfkError, { step, budgetMs }: LockedWork): LockTimeout {
  const message = `${step} did not fit into the lock budget of ${budgetMs} ms; it was rolled back (--lock-timeout-ms allows it more)`;
  return new LockTimeout(message, named.context, { cause: named });
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
