/**
 * One change to a migrated table that a person's command makes, without an execution: everything in one transaction, which blocks
 * the application for at most the lock budget, retried with jitter, and noted in the ledger if there is one. Its tries wait for
 * locks as those of an execution do; see `lock-wait.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { requireFreeReaders } from '../../checks/readers.ts';
import { blockedBy } from '../../contracts/blocked.ts';
import type { Blocked } from '../../contracts/documents.ts';
import { DeadlockDetected, LockTimeout, MigrationInProgress, StatementCanceled } from '../../contracts/errors.ts';
import { sqlStateOfLoss } from '../../ledger/connect.ts';
import { noteEvent } from '../../ledger/notes/events.ts';
import { noteHeld, recordTransaction } from '../../ledger/notes/record-transaction.ts';
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
import { requireLocked } from '../../postgres/locks/locked-tables.ts';
import { messageOf, sqlStateOf, toNamedError } from '../../postgres/postgres-errors.ts';
import { expectAnswersWithin } from '../../postgres/session/unanswered.ts';
import { run } from '../../postgres/sql.ts';
import { type RanStatement, withJournal } from '../../postgres/statement-journal.ts';
import { isCut, limit } from './lock-budget.ts';

/** What to do under which locks. */
export interface OnlineChange {
  /** Name of the step in the ledger and in messages. */
  readonly step: string;
  readonly migrationId: string | null;
  /** Milliseconds that the wait for strong locks and the work under them may take together. */
  readonly budgetMs: number;
  /** In the order in which they are taken, weakest first. All locks after the first strong one are strong. */
  readonly locks: readonly LockRequest[];
  /** Ends with ROLLBACK: proves that the change will work, and changes nothing. */
  readonly rehearsal?: boolean;
}

/** What the work under the locks can call. */
export interface Budget {
  /** Runs one statement with what is left of the time. */
  run(sql: string): Promise<void>;
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
const UNHURRIED_MS = 30_000;
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
      blocked.push(...attempt.blockedMs());
      return { ...changed, blocked: blockedBy(blocked) };
    } catch (error) {
      blocked.push(...attempt.blockedMs());
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
  const gentle = locks.filter(isGentle);
  const strong = locks.filter((lock) => !isGentle(lock));
  const wanted = together(strong);
  // Before the first lock, because these questions take time, too.
  const next = wanted && (await attempt.choose(wanted));
  let grantedAt = 0;
  let eventId: string | undefined;
  const exclusive = strong.filter(({ mode }) => mode === 'ACCESS EXCLUSIVE').flatMap(({ relations }) => relations);
  if (exclusive.length > 0) await requireFreeReaders(client, { relations: exclusive, budgetMs, step });
  await client.query('BEGIN');
  try {
    if (migrationId !== null) await holdMigration(client, migrationId, budgetMs);
    await client.query("SELECT set_config('p2pfk.began_at', clock_timestamp()::text, true)");
    for (const lock of gentle) await attempt.take([lock], { sql: lock.sql, limitMs: budgetMs });
    if (next) await attempt.takeStrong(strong, next);
    grantedAt = performance.now();
    await attempt.limitWork({ locked: true });
    const result = await work(attempt);
    if (migrationId !== null && !rehearsal) {
      expectAnswersWithin(client, null);
      await client.query("SELECT set_config('statement_timeout', '0', true)");
      const statements = [...attempt.locked, ...journal];
      const [blockedMs] = attempt.blockedMs();
      eventId = await recordTransaction(client, {
        migrationId,
        execution: null,
        pair: null,
        step,
        statements,
        blockedMs,
      });
    }
    await client.query(rehearsal ? 'ROLLBACK' : 'COMMIT');
    attempt.ended();
    await attempt.noteHeld(eventId);
    return { result, lockWaitMs: grantedAt - beganAt, heldMs: performance.now() - grantedAt };
  } catch (error) {
    const failedAt = performance.now();
    await client.query('ROLLBACK').catch(() => undefined);
    attempt.ended();
    throw attempt.nameFailure(error, { failedAt, beganAt, isGranted: grantedAt > 0 });
  }
}

function isGentle({ mode }: LockRequest): boolean {
  return mode === 'SHARE UPDATE EXCLUSIVE';
}

/**
 * Several locks as one request, of which a try gets all or none: in their order, or with the first one last, because a
 * transaction that has one and needs another may wait for us.
 */
function together(locks: readonly LockRequest[]): LockRequest | undefined {
  const [first, ...more] = locks;
  if (!first) return undefined;
  const rest = together(more);
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

/** One transaction, and what is left of its time. */
class Try implements Budget {
  readonly change: OnlineChange;
  readonly #client: Client;
  readonly #before: Before;
  /**
   * When the first strong lock was requested, or a statement that took one began. From then on the application may wait for us.
   */
  #strongAt: number | undefined;
  #strongWaitedMs = 0;
  #endedAt: number | undefined;
  /** The LOCK TABLE statements that were granted, in their order. */
  readonly locked: RanStatement[] = [];
  /** Time limit of the running statement. */
  #until = 0;

  constructor(client: Client, change: OnlineChange, before: Before) {
    this.#client = client;
    this.change = change;
    this.#before = before;
  }

  choose(lock: LockRequest): Promise<LockTry> {
    return chooseTryAfter(this.#client, { ...this.#before, budgetMs: this.change.budgetMs, lock });
  }

  /** @throws LockTimeout with the holders, when the lock was not granted within the limit; the transaction has ended then */
  async take(locks: readonly LockRequest[], { sql, limitMs }: LockTry): Promise<void> {
    const client = this.#client;
    const { step, budgetMs } = this.change;
    await limit(client, limitMs);
    const beganAt = performance.now();
    try {
      await execute(client, sql);
      this.locked.push(...(await lockedBy(client, sql)));
      await requireLocked(
        client,
        locks.flatMap(({ named, relations }) => named ?? relations),
      );
    } catch (error) {
      const named = toNamedError(error, locks.map((lock) => lock.sql).join('; '));
      // 57014 after the whole time is our own statement_timeout; if it is earlier, another session cancelled us.
      if (!(named instanceof LockTimeout) && !isCut(named, performance.now() - beganAt, limitMs)) throw named;
      await client.query('ROLLBACK').catch(() => undefined);
      this.ended();
      const holders: RelationHolder[] = [];
      for (const { relations, mode } of locks) holders.push(...(await lockHolders(client, relations, mode)));
      const yielded = describeYielded(await endAutovacuums(client, holders));
      throw new LockTimeout(
        `no lock within ${budgetMs} ms for ${step}, nothing was changed: ${describeHolders(holders)}${yielded}`,
        { ...named.context, holders },
        { cause: named },
      );
    }
  }

  /** Notes that the transaction has ended, and its locks with it. */
  ended(): void {
    this.#endedAt ??= performance.now();
  }

  /** Milliseconds for which others were blocked at most, until the end of the transaction or until now; empty where none were. */
  blockedMs(): number[] {
    return this.#strongAt === undefined ? [] : [(this.#endedAt ?? performance.now()) - this.#strongAt];
  }

  /** Notes how long the locks were held. The change does not depend on the note. */
  async noteHeld(eventId: string | undefined): Promise<void> {
    const [blockedMs] = this.blockedMs();
    if (eventId === undefined || blockedMs === undefined) return;
    await noteHeld(this.#client, eventId, blockedMs).catch(() => undefined);
  }

  /** Notes a try that blocked others and failed; a dry run leaves no trace in the ledger. */
  async noteFailure(error: unknown): Promise<void> {
    const { migrationId, step, locks, rehearsal } = this.change;
    const [blockedMs] = this.blockedMs();
    if (migrationId === null || rehearsal || blockedMs === undefined) return;
    const sql = locks.map((lock) => lock.sql).join(';\n');
    const waitedMs = this.#strongWaitedMs;
    const event = { pair: null, step, sql, waitedMs, blockedMs, durationMs: blockedMs, error: messageOf(error) };
    await noteEvent(this.#client, migrationId, event).catch(() => undefined);
  }

  async takeStrong(locks: readonly LockRequest[], next: LockTry): Promise<void> {
    const from = performance.now();
    this.#strongAt ??= from;
    // For a lock that the work requests later, the earlier wait counts, too.
    const limitMs = Math.max(1, Math.min(next.limitMs, next.limitMs - this.#strongWaitedMs, this.#leftMs(from)));
    await this.take(locks, { sql: next.sql, limitMs });
    this.#strongWaitedMs += performance.now() - from;
  }

  async lock(lock: LockRequest): Promise<void> {
    await this.takeStrong([lock], await this.choose({ ...lock, nowaitFirst: isNowait(lock) }));
    await this.limitWork();
  }

  async run(sql: string): Promise<void> {
    await this.limitWork();
    const from = performance.now();
    try {
      await executeDdl(this.#client, sql);
    } catch (error) {
      // It waited for a lock that was not in our list, and others waited behind it.
      if (error instanceof LockTimeout) this.#strongAt ??= from;
      throw error;
    }
    if (this.#strongAt === undefined && (await this.#blocksOthers())) this.#strongAt = from;
    await this.limitWork();
  }

  /** Whether a statement has locked a table that existed before, even if no list of locks has it. */
  async #blocksOthers(): Promise<boolean> {
    return (await run(this.#client, 'checks/own-strong-locks')).length > 0;
  }

  /**
   * Limits each following statement to what is left of the time. If this process freezes now, the server ends the session and
   * with it the locks.
   *
   * @param options.locked stores, for p2pfk.record, when the locks were granted
   */
  async limitWork({ locked = false } = {}): Promise<void> {
    const now = performance.now();
    const leftMs = Math.max(1, this.#leftMs(now));
    this.#until = now + leftMs;
    const { budgetMs } = this.change;
    const frozenMs = this.#strongAt === undefined ? budgetMs + 1_000 : Math.max(leftMs, FROZEN_MS);
    expectAnswersWithin(this.#client, leftMs);
    await this.#client.query(
      `SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
              set_config('idle_in_transaction_session_timeout', $3, true)
              ${locked ? ", set_config('p2pfk.locked_at', clock_timestamp()::text, true)" : ''}`,
      [leftMs, Math.min(leftMs, budgetMs), frozenMs].map((ms) => String(Math.ceil(ms))),
    );
  }

  #leftMs(now: number): number {
    return this.#strongAt === undefined ? UNHURRIED_MS : this.#strongAt + this.change.budgetMs - now;
  }

  nameFailure(
    error: unknown,
    { failedAt, beganAt, isGranted }: { failedAt: number; beganAt: number; isGranted: boolean },
  ): unknown {
    const named = toNamedError(error);
    const { step, budgetMs } = this.change;
    if (named instanceof LockTimeout) return named;
    if (!isGranted) {
      if (!isCut(named, failedAt - beganAt, budgetMs)) return named;
      const message = `no lock within ${budgetMs} ms for ${step}, nothing was changed`;
      return new LockTimeout(message, named.context, { cause: named });
    }
    const message = `${step} did not fit into the lock budget of ${budgetMs} ms; it was rolled back, nothing was changed`;
    // Our own idle_in_transaction_session_timeout: this process was frozen. Its session has ended, so there is no retry.
    if ([sqlStateOf(named), sqlStateOfLoss(this.#client)].includes('25P03'))
      return new BudgetExceeded(message, named.context, { cause: named });
    // A cancel before the time was up is a person's.
    if (!CUT.has(sqlStateOf(named) ?? '') || failedAt < this.#until - CLOCK_MS) return named;
    const isLongWait = this.#strongWaitedMs > budgetMs * (1 - FOR_LONG_WORK) + CLOCK_MS;
    const Failure = isLongWait ? WaitedTooLong : BudgetExceeded;
    return new Failure(message, named.context, { cause: named });
  }
}

/** The statements that took the locks: where there are several ways, `sql` tried one after the other. */
async function lockedBy(client: Client, sql: string): Promise<RanStatement[]> {
  const { rows } = await client.query<{ statement: string | null }>(
    "SELECT current_setting('p2pfk.locked_by', true) AS statement, set_config('p2pfk.locked_by', '', true) AS ignored",
  );
  return [{ sql: rows[0]?.statement || sql }];
}

/**
 * Milliseconds beyond its time after which a process that does nothing counts as frozen; less than the margin that the contract
 * allows.
 */
const FROZEN_MS = 150;
/** SQLSTATEs of a cut statement: canceled, and what the next statement reports where that cut a ROLLBACK TO SAVEPOINT. */
const CUT: ReadonlySet<string> = new Set(['57014', '25P02', '3B001']);
/** Milliseconds by which two clocks may differ: the server's, which cuts a statement, and this process's. */
const CLOCK_MS = 5;

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
