/**
 * The verified drop: one transaction takes every lock or none, runs the gate again, drops the parent FK, checks the result,
 * deletes some rows in a savepoint, and commits only if all of that passed. So the parent FK is never dropped before its
 * replacement was seen to work. If the transaction ends with ROLLBACK, it is a rehearsal: it proves on the live database that the
 * drop will work, and changes nothing.
 */

import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { readFinalNames, takeFinalNames } from '../catalog/pair-names.ts';
import type { Pairing } from '../catalog/pairs.ts';
import { createGuards, type Guard, readGuards, unguardedPairs, wantsGuard } from '../catalog/row-movement-guard.ts';
import { forecastDrop } from '../catalog/server-facts.ts';
import {
  type Candidate,
  findCandidates,
  type LookupProof,
  PROBE_SHARE,
  probeDelete,
  proveLookups,
  scanningLookups,
} from '../checks/delete-probe.ts';
import { readGate, refuseOutdatedPlan } from '../checks/gate.ts';
import { quickChecks } from '../checks/verification.ts';
import type { Check, Rehearsal } from '../contracts/documents.ts';
import { GateFailed, LockTimeout, StatementCanceled, VerificationFailed } from '../contracts/errors.ts';
import { ledgerStepOf } from '../contracts/steps/catalogue.ts';
import { requireApproval } from '../ledger/approval-check.ts';
import { changeMigration, type MigrationOptions, readMigration, wantsNoIndexes } from '../ledger/migrations.ts';
import { type LedgerPair, readPairs } from '../ledger/pairs.ts';
import { executeDdl } from '../postgres/execute.ts';
import type { LockRequest } from '../postgres/locks/lock-wait.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { run, runOne, withPlansKept } from '../postgres/sql.ts';
import type { EnteredMigration, StepContext } from './context.ts';
import { limit, underLock } from './locks/lock-budget.ts';
import { lockedWork } from './locks/locked-work.ts';

/** What the drop, or its rehearsal, has shown. */
export interface DroppedOrRehearsed {
  readonly checks: readonly Check[];
  /** Milliseconds from the request of the first exclusive lock to COMMIT or ROLLBACK. */
  readonly lockedMs: number;
  /** Milliseconds of these after the last lock was granted. */
  readonly workMs: number;
}

/**
 * @param end `ROLLBACK` makes it a rehearsal
 * @throws LockTimeout when a partition was in use, or the work did not fit into the lock budget: nothing has changed
 * @throws GateFailed when the gate does not pass any more: nothing has changed
 * @throws PartitionSetChanged when only the plan is out of date: nothing has changed
 * @throws ApprovalNeeded when it needs an approval that is missing: nothing has changed
 * @throws VerificationFailed when a check after the drop failed: rolled back, nothing has changed
 */
export function verifiedDrop(
  context: StepContext,
  entered: EnteredMigration,
  execution: string,
  end: 'COMMIT' | 'ROLLBACK',
): Promise<DroppedOrRehearsed> {
  return withPlansKept(context.client, () => lockAndDrop(context, entered, execution, end));
}

async function lockAndDrop(
  context: StepContext,
  entered: EnteredMigration,
  execution: string,
  end: 'COMMIT' | 'ROLLBACK',
): Promise<DroppedOrRehearsed> {
  const { client } = context;
  const { migration, foreignKey, lockBudgetMs } = entered;
  const planned = await readPairs(client, migration.id);
  const { sql } = await runOne(client, 'statements/drop-parent-foreign-key', { ...foreignKey });
  const work = lockedWork('drop-parent-foreign-key', entered, execution, {
    pair: null,
    end,
    rehearsedIn: ledgerStepOf('verify-gate'),
    // A rehearsal has measured the time on this database, but at another moment, so it may not use up all of the time to wait.
    heldMs: Math.max(forecastDrop(planned.length), Math.min(measuredMs(migration.rehearsal), lockBudgetMs / 2)),
    lock: await lockOfTables(client, foreignKey, planned),
  });
  const guard = wantsGuard(foreignKey, migration.options);
  const noIndexes = wantsNoIndexes(migration);
  // What each guard does is compared here; under the locks, only whether it is still the same trigger.
  const guards = guard ? await readGuards(client, foreignKey, migration.id, planned) : [];
  const { proofs, candidates } = await askBeforeTheLock(client, foreignKey, planned, {
    id: migration.id,
    options: migration.options,
    noIndexes,
    guards,
  });
  const { result, heldMs, blockedMs } = await underLock(context, work, (left) =>
    dropAndVerify(client, foreignKey, planned, {
      sql,
      budgetMs: lockBudgetMs,
      left,
      id: migration.id,
      options: migration.options,
      needsApproval: end === 'COMMIT',
      guards,
      proofs,
      candidates,
      noIndexes,
    }),
  );
  return { checks: result, lockedMs: blockedMs, workMs: heldMs };
}

/** Milliseconds that the work under the locks took in a rehearsal; 0 without one. */
function measuredMs(rehearsal: Rehearsal | null): number {
  return rehearsal?.workMs ?? rehearsal?.lockedMs ?? 0;
}

/**
 * Asks, before anything is locked, the questions that are asked again under the locks, so that their query plans are ready then.
 * Also proves that a DELETE is fast; under the locks only the existence of the indexes is checked again.
 *
 * @throws GateFailed where the gate does not pass any more, or the lookup of a pair FK scans
 * @throws PartitionSetChanged when only the plan is out of date
 */
async function askBeforeTheLock(
  client: Client,
  foreignKey: ForeignKey,
  planned: readonly LedgerPair[],
  {
    id,
    options,
    noIndexes,
    guards,
  }: {
    readonly id: string;
    readonly options: MigrationOptions;
    readonly noIndexes: boolean;
    readonly guards: readonly Guard[];
  },
): Promise<{ readonly proofs: readonly LookupProof[]; readonly candidates: readonly Candidate[] }> {
  const pairing = await openGate(client, foreignKey, planned, options);
  const { pairs } = pairing;
  const proofs = await proveLookups(client, pairs);
  const problem = await scanningLookups(client, pairs, proofs);
  if (problem !== null && !noIndexes) throw new GateFailed(problem);
  const candidates = await findCandidates(client, foreignKey, pairs);
  // These questions are about the state after the drop: their answers do not count yet, only their query plans do.
  const dropped = { ...foreignKey, constraint_oid: null };
  await readMigration(client, id);
  await readFinalNames(client, dropped, pairs, options);
  await unguardedPairs(client, id, guards);
  await quickChecks(client, dropped, pairing);
  return { proofs, candidates };
}

/** @throws GateFailed or PartitionSetChanged where the parent FK must not be dropped now */
async function openGate(
  client: Client,
  foreignKey: ForeignKey,
  planned: readonly LedgerPair[],
  options: MigrationOptions,
): Promise<Pairing> {
  const reading = await readGate(client, foreignKey, planned, options);
  refuseOutdatedPlan(reading);
  const problems = [...reading.changes, ...reading.problems];
  if (problems.length > 0) throw new GateFailed(`the gate is not open any more: ${problems.join('; ')}`);
  return reading.pairing;
}

/** ACCESS EXCLUSIVE on both tables and all of their partitions: the first try is NOWAIT, later tries wait. */
export async function lockOfTables(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly LedgerPair[],
): Promise<LockRequest> {
  const { sql, ways } = await runOne(client, 'statements/lock-tables', {
    ...foreignKey,
  });
  return {
    sql,
    ways,
    nowaitFirst: true,
    mode: 'ACCESS EXCLUSIVE',
    named: [foreignKey.referencing_oid, foreignKey.referenced_oid],
    relations: [
      foreignKey.referencing_oid,
      foreignKey.referenced_oid,
      ...pairs.flatMap((pair) => [pair.referencing_oid, pair.referenced_oid]),
    ],
  };
}

/**
 * The work under ACCESS EXCLUSIVE. Every statement, and every pause between two statements, is limited to what is left of the
 * budget.
 */
async function dropAndVerify(
  client: Client,
  foreignKey: ForeignKey,
  planned: readonly LedgerPair[],
  drop: {
    readonly sql: string;
    readonly budgetMs: number;
    readonly left: () => number;
    readonly id: string;
    readonly options: MigrationOptions;
    /** Whether an approval is needed: a rehearsal precedes it, because it is shown to the person who approves. */
    readonly needsApproval: boolean;
    readonly guards: readonly Guard[];
    readonly proofs: readonly LookupProof[];
    readonly candidates: readonly Candidate[];
    readonly noIndexes: boolean;
  },
): Promise<Check[]> {
  const { left } = drop;
  try {
    const pairing = await openGate(client, foreignKey, planned, drop.options);

    await limit(client, left());
    // A duplicate invocation may have done this already.
    const stands = (await readMigration(client, drop.id)).constraint_oid !== null;
    if (stands && drop.needsApproval) await requireApproval(client, drop.id);
    if (stands) await executeDdl(client, drop.sql);
    if (stands) await takeFinalNames(client, foreignKey, pairing.pairs, drop);
    // The guards exist since the pair FKs were added, unless one was dropped since.
    if (drop.guards.length > 0) await createGuards(client, foreignKey, drop.id, drop.guards);

    await limit(client, left());
    const checks = await quickChecks(client, { ...foreignKey, constraint_oid: null }, pairing);
    const failed = checks.filter((check) => !check.passed);
    if (failed.length > 0) {
      const what = failed.map((check) => check.detail).join('; ');
      throw new VerificationFailed(`after the drop, still in its transaction: ${what}`);
    }

    await limit(client, left());
    const probe = await probeDelete(client, { constraint_oid: null }, pairing.pairs, {
      proofs: drop.proofs,
      timeoutMs: Math.min(left(), drop.budgetMs * PROBE_SHARE),
      noIndexes: drop.noIndexes,
      candidates: drop.candidates,
    });
    if (!probe.passed) throw new VerificationFailed(`the DELETE probe failed: ${probe.detail}`);

    if (!stands) return [...checks, probe];
    await limit(client, left());
    await run(client, 'ledger/forget-counts', { migration_id: drop.id });
    await changeMigration(client, drop.id, { dropped_at: new Date().toISOString() });
    return [...checks, probe];
  } catch (error) {
    // Our own budget cut it: the application has waited long enough. The state machine retries, as after a lock that was not
    // free.
    const named = toNamedError(error);
    if (named instanceof StatementCanceled && left() <= drop.budgetMs * 0.1) {
      throw new LockTimeout(
        `the verified drop did not fit into the lock budget of ${drop.budgetMs} ms; it was rolled back. A busy server may let it pass later; else allow more with --lock-timeout-ms`,
        named.context,
        { cause: named },
      );
    }
    throw named;
  }
}
