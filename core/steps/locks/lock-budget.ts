/**
 * Statements of a step that take strong locks, in one transaction that blocks the application for at most the lock budget:
 * `locked-transaction.ts`.
 *
 * The ledger notes each try, including failed tries and rehearsals: its statements, and for how long it blocked others at most.
 */
import type { Client } from 'pg';
import { ReaderBusy, requireFreeReaders } from '../../checks/readers.ts';
import { LockTimeout, type P2pfkError } from '../../contracts/errors.ts';
import { isLost, sqlStateOfLoss } from '../../ledger/connect.ts';
import { explainLockedRow } from '../../ledger/locked-rows.ts';
import { type LedgerEvent, noteEvent } from '../../ledger/notes/events.ts';
import { noteHeld } from '../../ledger/notes/record-transaction.ts';
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
import { messageOf, toNamedError } from '../../postgres/postgres-errors.ts';
import { underDeadline } from '../../postgres/session/deadline.ts';
import { inTransaction } from '../../postgres/session/transactions.ts';
import { run } from '../../postgres/sql.ts';
import { type RanStatement, withJournal } from '../../postgres/statement-journal.ts';
import { applicationName, type StepContext } from '../context.ts';
import { type Distance, describeDistance, measureDistance } from './distance.ts';
import { describeEnded, endIdleBlockers } from './idle-blockers.ts';
import { isEnded, LockedTransaction, LocksRefused, ROUND_TRIPS } from './locked-transaction.ts';

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
  /** The work writes to the migration's row: that row is locked before the tables. */
  readonly writesMigration?: boolean;
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

/** Milliseconds from the request of the locks to COMMIT. */
function allowedMs({ budgetMs, announcedMs = 0 }: LockedWork): number {
  return Math.max(budgetMs, announcedMs);
}

/** One try, and what the ledger notes of it. */
class Attempt {
  readonly #context: StepContext;
  readonly #locked: LockedWork;
  readonly #journal: readonly RanStatement[];
  readonly #transaction: LockedTransaction;
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
    const { step, budgetMs, announcedMs } = locked;
    this.#transaction = new LockedTransaction(context.client, {
      step,
      budgetMs,
      announcedMs,
      distance,
      undone: 'it was rolled back',
      tooLate: (message, cause) => new LockTimeout(message, cause?.context ?? {}, { cause }),
    });
  }

  async run<Result>(next: LockTry, work: (left: () => number) => Promise<Result>): Promise<Result> {
    const { client } = this.#context;
    const { direction, migrationId, execution, pair, step, lock, writesMigration, end = 'COMMIT' } = this.#locked;
    const transaction = this.#transaction;
    await client.query(`SELECT p2pfk.enter${direction === 'rollback' ? '_rollback' : ''}($1, $2)`, [
      migrationId,
      execution,
    ]);
    if (writesMigration) await run(client, 'ledger/hold-row', { migration_id: migrationId });
    return underDeadline(client, transaction, async () => {
      await transaction.take([lock], next);
      const result = await work(() => transaction.budgetLeftMs);
      if (end === 'COMMIT')
        this.#eventId = await transaction.record({ migrationId, execution, pair, step }, this.#journal);
      transaction.requireTime();
      return result;
    });
  }

  /**
   * Notes the end of the transaction, after it. A rehearsal is noted only now, because its rollback would have removed an earlier
   * note.
   */
  async succeeded(): Promise<Omit<LockedResult<unknown>, 'result'>> {
    this.#transaction.ended();
    const { blockedMs = 0, waitedMs, grantedAt = 0 } = this.#transaction;
    const heldMs = performance.now() - grantedAt;
    if (this.#eventId !== undefined)
      await this.#tryToNote((client) => noteHeld(client, this.#eventId ?? '', blockedMs));
    if (this.#locked.end === 'ROLLBACK') {
      const sql = [this.#lockedBy, ...this.#journal.map((statement) => statement.sql), 'ROLLBACK'].join(';\n');
      const event = { sql, durationMs: heldMs, blockedMs, error: null };
      await this.#tryToNote((client) => this.#note(client, event, this.#locked.rehearsedIn));
    }
    return { lockWaitMs: waitedMs, heldMs, blockedMs };
  }

  /** The statement that took the lock, or was to take it. */
  get #lockedBy(): string {
    return this.#transaction.lockedBy[0]?.sql ?? this.#locked.lock.sql;
  }

  /** Names the failure, after ROLLBACK, and notes it where locks were requested. */
  async failed(error: unknown): Promise<P2pfkError> {
    const { client } = this.#context;
    const transaction = this.#transaction;
    transaction.ended();
    const { blockedMs, waitedMs, grantedAt } = transaction;
    if (error instanceof ReaderBusy) return noteReaderBusy(this.#context, this.#locked, error);
    const refused = error instanceof LocksRefused ? error : undefined;
    const failure = refused?.refusal ?? (await this.#explained(error));
    if (failure instanceof LockTimeout) {
      const refusal = { waitedMs, blockedMs, isRefused: refused !== undefined };
      if (isLost(client)) return this.#refusedWithoutSession(failure, refusal);
      // The lock was granted and then the work took too long, or it was not requested: there is no holder to name.
      const { relations, mode } = this.#locked.lock;
      const isAsked = transaction.blocks && grantedAt === undefined;
      const holders = isAsked ? await lockHolders(client, relations, mode) : [];
      return noteRefusal(this.#context, this.#locked, failure, { ...refusal, holders });
    }
    if (transaction.blocks) {
      const event = { sql: this.#lockedBy, durationMs: blockedMs ?? null, blockedMs, error: messageOf(failure) };
      await this.#tryToNote((session) => this.#note(session, event));
    }
    return failure;
  }

  /** A row of the ledger is locked before the tables; then its holder is named. */
  async #explained(error: unknown): Promise<P2pfkError> {
    const named = this.#named(error);
    const { client } = this.#context;
    return isLost(client) ? named : explainLockedRow(client, named).catch(() => named);
  }

  #named(error: unknown): P2pfkError {
    if (this.#transaction.grantedAt !== undefined) return this.#transaction.nameFailure(error);
    const named = toNamedError(error);
    return this.#transaction.blocks && isEnded(this.#context.client, named) ? this.#transaction.late(named) : named;
  }

  #note(
    client: Client,
    event: Pick<LedgerEvent, 'sql' | 'durationMs' | 'blockedMs' | 'error'>,
    step = this.#locked.step,
  ): Promise<void> {
    const { migrationId, execution, pair } = this.#locked;
    const { waitedMs } = this.#transaction;
    return noteEvent(client, migrationId, { execution, pair, step, waitedMs, ...event });
  }

  /** Notes a failed try through another session. */
  async #refusedWithoutSession(failure: LockTimeout, refusal: Omit<Refusal, 'holders'>): Promise<LockTimeout> {
    let noted = failure;
    const note = async (client: Client) => {
      noted = await noteRefusal({ ...this.#context, client }, this.#locked, failure, { ...refusal, holders: [] });
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

function cannotFit({ step, budgetMs }: LockedWork, distance: Distance): LockTimeout {
  return new LockTimeout(
    `${step} does not fit into the lock budget of ${budgetMs} ms, so no lock was asked for: ${describeDistance(distance)}`,
  );
}

/** Why a try has failed, for the ledger. */
interface Refusal {
  readonly waitedMs: number;
  readonly blockedMs: number | undefined;
  /** The locks were requested and not granted. */
  readonly isRefused: boolean;
  readonly holders: readonly RelationHolder[];
}

async function noteRefusal(
  { client }: StepContext,
  locked: LockedWork,
  error: LockTimeout,
  refusal: Refusal,
): Promise<LockTimeout> {
  const { migrationId, execution, pair, step } = locked;
  const { waitedMs, blockedMs, isRefused, holders } = refusal;
  const ended = await endIdleBlockers(client, locked, holders);
  const yielded = await endAutovacuums(client, holders);
  const message = isRefused
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
  // Of a row of the ledger they are named already.
  return new LockTimeout(message, { holders, ...error.context }, { cause: error });
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
