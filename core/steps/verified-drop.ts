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
  lookAgain,
  PROBE_SHARE,
  probeDelete,
  proveLookups,
  scanningLookups,
} from '../checks/delete-probe.ts';
import { readGate, refuseOutdatedPlan } from '../checks/gate.ts';
import { quickChecks } from '../checks/verification.ts';
import type { Check, Rehearsal } from '../contracts/documents.ts';
import { GateFailed, VerificationFailed } from '../contracts/errors.ts';
import { ledgerStepOf } from '../contracts/steps/catalogue.ts';
import { holdApproval, refuseUnapproved } from '../ledger/approval-check.ts';
import { changeMigration, type MigrationOptions, readMigration, wantsNoIndexes } from '../ledger/migrations.ts';
import { type LedgerPair, readPairs } from '../ledger/pairs.ts';
import { executeDdl } from '../postgres/execute.ts';
import type { LockRequest } from '../postgres/locks/lock-wait.ts';
import { together } from '../postgres/session/deadline.ts';
import { askTogether, noteQuestions, type Question, run, runOne, withPlansKept } from '../postgres/sql.ts';
import type { EnteredMigration, StepContext } from './context.ts';
import { underLock } from './locks/lock-budget.ts';
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
    roundTrips: ROUND_TRIPS,
    // A rehearsal has measured the time on this database, but at another moment, so it may not use up all of the time to wait.
    heldMs: Math.max(forecastDrop(planned.length), Math.min(measuredMs(migration.rehearsal), lockBudgetMs / 2)),
    lock: await lockOfTables(client, foreignKey, planned),
  });
  const guard = wantsGuard(foreignKey, migration.options);
  const noIndexes = wantsNoIndexes(migration);
  // What each guard does is compared here; under the locks, only whether it is still the same trigger.
  const guards = guard ? await readGuards(client, foreignKey, migration.id, planned) : [];
  const { proofs, candidates, questions } = await askBeforeTheLock(client, foreignKey, planned, {
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
      questions,
      noIndexes,
    }),
  );
  return { checks: result, lockedMs: blockedMs, workMs: heldMs };
}

/** Of the drop: the gate, the DDL, the checks after it, the DELETE, its end, its verdict, two notes, COMMIT. */
const ROUND_TRIPS = 9;

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
): Promise<{
  readonly proofs: readonly LookupProof[];
  readonly candidates: readonly Candidate[];
  readonly questions: QuestionsOfDrop;
}> {
  const before = await noteQuestions(client, async () => {
    const gate = await openGate(client, foreignKey, planned, options);
    await readMigration(client, id);
    return gate;
  });
  const pairing = before.result;
  const { pairs } = pairing;
  const proofs = await proveLookups(client, pairs);
  const problem = await scanningLookups(client, pairs, proofs);
  if (problem !== null && !noIndexes) throw new GateFailed(problem);
  const candidates = await findCandidates(client, foreignKey, pairs);
  // These questions are about the state after the drop: their answers do not count yet, only their query plans do.
  const dropped = { ...foreignKey, constraint_oid: null };
  const after = await noteQuestions(client, async () => {
    await readFinalNames(client, dropped, pairs, options);
    await unguardedPairs(client, id, guards);
    await quickChecks(client, dropped, pairing);
    await lookAgain(client, pairs, candidates);
  });
  return { proofs, candidates, questions: { before: before.questions, after: after.questions } };
}

/** What is asked under the locks, before the drop and after it. */
interface QuestionsOfDrop {
  readonly before: readonly Question[];
  readonly after: readonly Question[];
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

/** The work under ACCESS EXCLUSIVE. */
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
    readonly questions: QuestionsOfDrop;
    readonly noIndexes: boolean;
  },
): Promise<Check[]> {
  const [{ pairing, parentExists }, approval] = await together(
    client,
    () =>
      askTogether(client, drop.questions.before, async () => {
        const pairing = await openGate(client, foreignKey, planned, drop.options);
        // A duplicate invocation may have done this already.
        const parentExists = (await readMigration(client, drop.id)).constraint_oid !== null;
        return { pairing, parentExists };
      }),
    async () => (drop.needsApproval ? holdApproval(client, drop.id) : undefined),
  );
  if (parentExists && approval) refuseUnapproved(approval);
  if (parentExists) await executeDdl(client, drop.sql);
  const checks = await askTogether(client, drop.questions.after, async () => {
    if (parentExists) await takeFinalNames(client, foreignKey, pairing.pairs, drop);
    // The guards exist since the pair FKs were added, unless one was dropped since.
    if (drop.guards.length > 0) await createGuards(client, foreignKey, drop.id, drop.guards);

    const quick = await quickChecks(client, { ...foreignKey, constraint_oid: null }, pairing);
    const failed = quick.filter((check) => !check.passed);
    if (failed.length > 0) {
      const what = failed.map((check) => check.detail).join('; ');
      throw new VerificationFailed(`after the drop, still in its transaction: ${what}`);
    }

    const probe = await probeDelete(client, { constraint_oid: null }, pairing.pairs, {
      proofs: drop.proofs,
      timeoutMs: Math.min(drop.left(), drop.budgetMs * PROBE_SHARE),
      noIndexes: drop.noIndexes,
      candidates: drop.candidates,
    });
    if (!probe.passed) throw new VerificationFailed(`the DELETE probe failed: ${probe.detail}`);
    return [...quick, probe];
  });
  if (!parentExists) return checks;
  await together<unknown[]>(
    client,
    () => run(client, 'ledger/forget-counts', { migration_id: drop.id }),
    () => changeMigration(client, drop.id, { dropped_at: new Date().toISOString() }),
  );
  return checks;
}
