/**
 * Fence, the first step of every rollback: cancels our running statements, sets the fence, and waits until none of our statements
 * runs. From then on a late or repeated forward step changes nothing, regardless of what the engine does with it.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { forecastRollback, readServer } from '../../catalog/server-facts.ts';
import { messageOfCause } from '../../contracts/cause.ts';
import type { RollbackForecast } from '../../contracts/documents.ts';
import { LockTimeout, MigrationFenced } from '../../contracts/errors.ts';
import { iterationsOf } from '../../contracts/event-budget.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { InterruptEvent } from '../../contracts/steps/events.ts';
import type { FenceResult } from '../../contracts/steps/results.ts';
import { describeRowHolders, rowHolders } from '../../ledger/locked-rows.ts';
import { type Migration, readMigration } from '../../ledger/migrations.ts';
import { asNote } from '../../ledger/notes/notes.ts';
import { type LedgerPair, readPairs } from '../../ledger/pairs.ts';
import { sqlStateOf } from '../../postgres/postgres-errors.ts';
import { runAsLogin } from '../../postgres/session/as-login.ts';
import { run } from '../../postgres/sql.ts';
import { enterAny, type StepContext } from '../context.ts';
import { defineStep } from '../step.ts';

/** Milliseconds for which one try for the fence waits before running statements are cancelled again. */
const FENCE_TRY_MS = 1_000;
const FENCE_TRIES = 60;
/** Milliseconds between two checks whether a statement that runs outside a transaction has ended. */
const RUNNING_POLL_MS = 100;

/**
 * @throws MigrationFenced when another execution owns the migration by now, or it is rolled back already: a late call undoes
 *   nothing
 * @throws LockTimeout when a statement cannot be cancelled within a minute
 */
export async function fence(context: StepContext, event: InterruptEvent): Promise<FenceResult> {
  requireOwner((await enterAny(context, event)).migration, event.execution);
  await setFence(context, event);
  const { client } = context;
  const migration = await readMigration(client, event.migrationId);
  // If another execution took over in between, the fence was not set.
  requireOwner(migration, event.execution);
  const pairs = await readPairs(client, event.migrationId);
  const parent = await readParentForeignKey(context, migration);
  const { strategy } = await wayBackOf(context, migration, pairs);
  const dropped = parent === null || !parent.validated;
  const restored = dropped && strategy === 'attach' ? pairs : [];
  context.logger.warn('migration fenced', {
    migrationId: event.migrationId,
    parentForeignKey: dropped ? 'DROPPED' : 'PRESENT',
    strategy,
  });
  return {
    status: 'FENCED',
    parentForeignKey: dropped ? 'DROPPED' : 'PRESENT',
    strategy: dropped ? strategy : 'NONE',
    pairs: iterationsOf(restored),
    pairCount: restored.length,
    // Validating one leaf of a table that references itself blocks all other leaves that get their foreign keys.
    maxConcurrency: migration.table_oid === migration.referenced_oid ? 1 : migration.options.maxConcurrency,
  };
}

function requireOwner({ id, execution: owner, state }: Migration, execution: string): void {
  if (owner !== execution) throw new MigrationFenced(`migration ${id} is now owned by ${owner}`);
  if (state === 'rolled-back') throw new MigrationFenced(`migration ${id} is rolled back already`);
}

async function setFence(
  { client, logger }: StepContext,
  { migrationId, execution, error }: InterruptEvent,
): Promise<void> {
  const reason = error ? await asNote(client, { name: error.Error, message: messageOfCause(error.Cause) ?? '' }) : null;
  await client.query("SELECT set_config('lock_timeout', $1, false)", [String(FENCE_TRY_MS)]);
  for (let attempt = 1; ; attempt++) {
    const cancelled = await runAsLogin(client, 'ledger/cancel-statements', {
      migration_id: migrationId,
    });
    if (cancelled.length > 0) logger.info('cancelled our own statements', { pids: cancelled.map((row) => row.pid) });
    let cause: unknown;
    try {
      await run(client, 'ledger/fence', { migration_id: migrationId, execution, error: reason });
      if (await nothingRuns(client, migrationId)) return;
    } catch (failure) {
      if (sqlStateOf(failure) !== '55P03') throw failure;
      cause = failure;
    }
    if (attempt >= FENCE_TRIES) throw await stillRuns(client, migrationId, cause);
  }
}

/** Why the fence could not be set: the row was locked by another session than ours, or a statement of ours does not end. */
async function stillRuns(client: Client, migrationId: string, cause: unknown): Promise<LockTimeout> {
  const holders = cause === undefined ? [] : await rowHolders(client);
  if (holders.length > 0) return new LockTimeout(describeRowHolders(holders), { holders }, { cause });
  return new LockTimeout(
    `a statement of migration ${migrationId} still runs and cannot be cancelled`,
    { holders },
    { cause },
  );
}

/**
 * Whether no statement of ours runs outside a transaction, such as an index build: the fence's lock does not wait for these. Each
 * question is a transaction of its own, because CREATE INDEX CONCURRENTLY waits for transactions that are older than it.
 */
async function nothingRuns(client: Client, migrationId: string): Promise<boolean> {
  for (const until = performance.now() + FENCE_TRY_MS; ; await delay(RUNNING_POLL_MS)) {
    const running = await run(client, 'ledger/running', { migration_id: migrationId });
    if (running.length === 0) return true;
    if (performance.now() > until) return false;
  }
}

/** The parent FK in the catalog: null when dropped; not validated when a rollback has only begun to restore it (18+). */
export async function readParentForeignKey(
  { client }: StepContext,
  migration: Migration,
): Promise<{
  readonly oid: number;
  readonly definition: string;
  readonly validated: boolean;
  readonly comment: string | null;
} | null> {
  const found = await run(client, 'checks/parent-foreign-keys', {
    referencing_oid: migration.table_oid,
    referenced_oid: migration.referenced_oid,
    definition: migration.definition,
  });
  return found.find((key) => key.on_root && key.name === migration.constraint_name) ?? null;
}

/**
 * How the parent FK comes back. Fence and AttachParent ask with the same pairs, those of the ledger, so that they come to the same answer:
 * what the Map between them prepares is what AttachParent expects.
 */
export async function wayBackOf(
  { client }: StepContext,
  { options }: Migration,
  pairs: readonly LedgerPair[],
): Promise<RollbackForecast> {
  const rows = pairs.reduce((sum, pair) => sum + pair.rows, 0);
  const forecast = forecastRollback(await readServer(client), { ...options, pairs: pairs.length, rows });
  // Preflight refuses `blocking` unless it is allowed, but the server's settings may have changed since.
  if (forecast.strategy === 'blocking' && !options.allowBlockingRollback) return { ...forecast, strategy: 'attach' };
  return forecast;
}

export const step = defineStep(Steps.fence, fence);
