/**
 * The context of every step, and the entry checks with which it reads its migration's row in the ledger. A forward step does not
 * enter behind the fence.
 */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { type PairStatus, readPairStatus, shortName } from '../catalog/pairs.ts';
import {
  InvalidInput,
  MigrationFenced,
  PartitionSetChanged,
  PrivilegeMissing,
  WindowClosed,
} from '../contracts/errors.ts';
import { forecastSeconds, type Timed } from '../contracts/forecast.ts';
import { LEASE_SECONDS } from '../contracts/lease.ts';
import { extendLease, foreignKeyOf, type Migration, readMigration } from '../ledger/migrations.ts';
import { tryToNote } from '../ledger/notes/notes.ts';
import { type LedgerPair, readPace, readPair } from '../ledger/pairs.ts';
import { enterLedger } from '../ledger/schema/make-ledger.ts';
import { useCallerSearchPath } from '../postgres/session/caller-search-path.ts';
import { whyNotNow } from './pace.ts';
import { holdBackSeconds, throttleReason } from './throttle.ts';

/** Structured log lines. The Logger of Powertools has this shape. */
export interface StepLogger {
  debug(message: string, detail?: Record<string, unknown>): void;
  info(message: string, detail?: Record<string, unknown>): void;
  warn(message: string, detail?: Record<string, unknown>): void;
}

/** What a step works with. */
export interface StepContext {
  /** One session, which the caller ends. */
  readonly client: Client;
  readonly logger: StepLogger;
  /** Milliseconds that the handler may still run. */
  remainingMs(): number;
  /** Opens another session, for a statement that may outlive the handler. The step that opens it closes or abandons it. */
  openSession(applicationName: string): Promise<Client>;
  /** Closes it: it has done its work, and nothing of the step is left in it that a reset does not take away. */
  closeSession(session: Client): Promise<void>;
}

/** A migration, as a step gets it. */
export interface EnteredMigration {
  readonly migration: Migration;
  readonly foreignKey: ForeignKey;
  /** Milliseconds that a statement of ours may wait in lock queues, in all. */
  readonly lockBudgetMs: number;
}

/**
 * Entry check of a forward step. Each transaction checks the fence again; checking it here as well saves needless work.
 *
 * @throws MigrationFenced when the fence is set or another execution has taken over
 */
export async function enterForward(
  context: StepContext,
  event: { migrationId: string; execution: string },
): Promise<EnteredMigration> {
  const entered = await enterAny(context, event);
  const { migration } = entered;
  if (migration.fenced_at !== null)
    throw new MigrationFenced(`migration ${migration.id} is fenced: no forward step may run`);
  if (migration.execution !== event.execution)
    throw new MigrationFenced(`migration ${migration.id} is now owned by ${migration.execution}`);
  return entered;
}

/**
 * Entry check of a step that begins new work of the forward path.
 *
 * @throws MigrationFenced as {@link enterForward}
 * @throws WindowClosed when the deadline has passed, by the database's clock
 */
export async function enterWithinWindow(
  context: StepContext,
  event: { migrationId: string; execution: string },
): Promise<EnteredMigration> {
  const entered = await enterForward(context, event);
  refuseClosedWindow(entered.migration);
  return entered;
}

/** @throws WindowClosed when the deadline has passed, by the database's clock */
export function refuseClosedWindow({ window_closed: closed, options }: Migration): void {
  if (closed)
    throw new WindowClosed(
      `the maintenance window closed at ${options.deadline}; the next execution goes on from here`,
    );
}

/** Entry of a rollback step or a pause, which may run behind the fence, or set it. */
export async function enterAny(
  context: StepContext,
  event: { migrationId: string; execution: string },
): Promise<EnteredMigration> {
  // In AWS, newer functions may have been deployed while the execution was between two steps.
  await enterLedger(context.client);
  const migration = await readMigration(context.client, event.migrationId);
  await useCallerSearchPath(context.client, migration.options.searchPath);
  const extend = () => extendLease(context.client, event.migrationId, event.execution, LEASE_SECONDS);
  // After the drop, a ledger that cannot be written must not undo anything.
  await (migration.dropped_at === null ? extend() : tryToNote(context.logger, 'that the execution lives', extend));
  return { migration, foreignKey: foreignKeyOf(migration), lockBudgetMs: migration.options.lockTimeoutMs };
}

/**
 * Check before long work on a pair: whether a person or load holds it back, and whether the work will end within the window.
 *
 * @param object oid of the table or constraint that it works on
 * @returns why and how long the pair has to wait, if it has to; meanwhile the lease shows that the owner lives
 * @throws WindowClosed when the forecast cannot finish before the deadline
 * @throws Held when it has been held for a day
 */
export async function beforeLongWork(
  context: StepContext,
  { migration }: EnteredMigration,
  { pair, referencing }: EnteredPair,
  what: Timed,
  object: number,
): Promise<{ readonly note: string; readonly waitSeconds: number } | undefined> {
  const left = migration.window_seconds_left;
  if (left !== null) {
    const pace = await readPace(context.client, migration.id, what);
    const needed = Math.ceil(forecastSeconds(what, pair, pace));
    if (needed > left) {
      throw new WindowClosed(
        `${referencing} needs about ${needed} s and the maintenance window closes in ${Math.floor(left)} s; the next execution goes on from here`,
      );
    }
  }
  const notNow = await whyNotNow(context.client, migration, object);
  if (notNow) return notNow;
  const note = await throttleReason(context.client, migration.options).catch((error: unknown) => {
    // The query worked when the plan was made. A server that is too busy to answer now is a reason to wait, not to undo anything.
    if (error instanceof InvalidInput || error instanceof PrivilegeMissing) return error.message;
    throw error;
  });
  if (!note) return undefined;
  const waitSeconds = holdBackSeconds(migration.options);
  await extendLease(context.client, migration.id, migration.execution, waitSeconds + LEASE_SECONDS);
  return { note, waitSeconds };
}

/** A pair of the ledger, together with its status in the catalog. */
export interface EnteredPair {
  readonly pair: LedgerPair;
  readonly pairStatus: PairStatus;
  /** Names for messages. */
  readonly referencing: string;
  readonly referenced: string;
  /** Number of all pairs. */
  readonly of: number;
}

/**
 * Reads one pair.
 *
 * @param what `indexes`: also which index serves the pair, which is the slowest question and needed by one step only; `salt`: for
 *   names that no other role can predict (core/postgres/free-names.ts)
 * @throws PartitionSetChanged when one of the two partitions no longer exists
 */
export async function enterPair(
  context: StepContext,
  { migration, foreignKey }: EnteredMigration,
  number: number,
  what: { readonly indexes: boolean; readonly salt?: string | undefined } = { indexes: false },
): Promise<EnteredPair> {
  const pair = await readPair(context.client, migration.id, number);
  const asked = what.salt === undefined ? pair : { ...pair, salt: what.salt };
  const pairStatus = (await readPairStatus(context.client, foreignKey, [asked], what)).get(number);
  if (!pairStatus)
    throw new PartitionSetChanged(
      `${pair.referencing} or ${pair.referenced} is no more: it was dropped after the plan was made`,
    );
  return {
    pair,
    pairStatus,
    referencing: shortName(pair.referencing, migration.table_name),
    referenced: shortName(pair.referenced, migration.table_name),
    of: pair.of,
  };
}

/** application_name of our sessions: in pg_stat_activity it shows which migration, step and pair a session works on. */
export function applicationName(migrationId: string, step: string, pair?: number): string {
  return `p2pfk/${migrationId}/${step}${pair === undefined ? '' : `/${pair}`}`;
}
