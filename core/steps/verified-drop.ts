/**
 * The verified drop: one transaction takes every lock or none, makes sure that the gate still passes, drops the parent FK,
 * checks the result, deletes some rows in a savepoint, and commits only if all of that passed. So the parent FK is never dropped before its
 * replacement was seen to work. If the transaction ends with ROLLBACK, it is a rehearsal: it proves on the live database that the
 * drop will work, and changes nothing.
 */

import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { takeFinalNames } from '../catalog/pair-names.ts';
import { readPairing } from '../catalog/pairs.ts';
import { createGuards, type Guard, readGuards, wantsGuard } from '../catalog/row-movement-guard.ts';
import { forecastDrop } from '../catalog/server-facts.ts';
import { type Candidate, type LookupProof, lookAgain, PROBE_SHARE, probeDelete } from '../checks/delete-probe.ts';
import { readFingerprint } from '../checks/drop-fingerprint.ts';
import { quickChecks } from '../checks/verification.ts';
import type { Check, Rehearsal } from '../contracts/documents.ts';
import { VerificationFailed } from '../contracts/errors.ts';
import { refuseHeld } from '../contracts/pace.ts';
import { ledgerStepOf } from '../contracts/steps/catalogue.ts';
import { holdApproval, refuseUnapproved } from '../ledger/approval-check.ts';
import { changeMigration, type MigrationOptions, wantsNoIndexes } from '../ledger/migrations.ts';
import { type LedgerPair, readPairs } from '../ledger/pairs.ts';
import { executeDdl } from '../postgres/execute.ts';
import type { LockRequest } from '../postgres/locks/lock-wait.ts';
import { together } from '../postgres/session/deadline.ts';
import { askTogether, run, runOne, withPlansKept } from '../postgres/sql.ts';
import type { EnteredMigration, StepContext } from './context.ts';
import {
  askBeforeTheLock,
  type Checked,
  type GateUnderLock,
  gateUnderLock,
  type QuestionsOfDrop,
} from './drop-check.ts';
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
 * @throws Held when a person holds the execution: nothing has changed
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
    writesMigration: true,
    roundTrips: ROUND_TRIPS,
    // A rehearsal has measured the time on this database, but at another moment, so it may not use up all of the time to wait.
    heldMs: Math.max(forecastDrop(planned.length), Math.min(measuredMs(migration.rehearsal), lockBudgetMs / 2)),
    lock: await lockOfTables(client, foreignKey, planned),
  });
  const guard = wantsGuard(foreignKey, migration.options);
  const noIndexes = wantsNoIndexes(migration);
  // What each guard does is compared here; under the locks, only whether it is still the same trigger.
  const guards = guard ? await readGuards(client, foreignKey, migration.id, planned) : [];
  const { proofs, candidates, questions, checked } = await askBeforeTheLock(client, foreignKey, planned, {
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
      checked,
      noIndexes,
    }),
  );
  return { checks: result, lockedMs: blockedMs, workMs: heldMs };
}

/** Of the drop: the fingerprint, the DDL with what follows it, the DELETE, its end, its verdict, two notes, COMMIT. */
const ROUND_TRIPS = 8;

/** Milliseconds that the work under the locks took in a rehearsal; 0 without one. */
function measuredMs(rehearsal: Rehearsal | null): number {
  return rehearsal?.workMs ?? rehearsal?.lockedMs ?? 0;
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

/** What {@link dropAndVerify} works with. */
interface Drop {
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
  readonly checked: Checked | undefined;
  readonly noIndexes: boolean;
}

/** The work under ACCESS EXCLUSIVE. */
async function dropAndVerify(
  client: Client,
  foreignKey: ForeignKey,
  planned: readonly LedgerPair[],
  drop: Drop,
): Promise<Check[]> {
  const [gate, approval] = await together(
    client,
    () => gateUnderLock(client, foreignKey, planned, drop),
    async () => (drop.needsApproval ? holdApproval(client, drop.id) : undefined),
  );
  const { pairing, parentExists, checked } = gate;
  if (parentExists && approval) {
    refuseUnapproved(approval);
    // The row is locked until the end of the transaction: a hold that comes later finds the parent FK dropped.
    refuseHeld(approval.options);
  }
  const { questions, candidates } = drop;
  const checks = await askTogether(client, checked?.quick ? questions.probe : questions.after, async () => {
    const quick = checked?.quick
      ? await dropAsChecked(client, foreignKey, drop, { ...checked, quick: checked.quick })
      : await dropAndCheck(client, foreignKey, drop, gate);
    const probe = await probeDelete(client, { constraint_oid: null }, pairing.pairs, {
      proofs: drop.proofs,
      timeoutMs: Math.min(drop.left(), drop.budgetMs * PROBE_SHARE),
      noIndexes: drop.noIndexes,
      candidates,
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

/**
 * Drops the parent FK. If that changed nothing else, the checks from before the locks count. An event trigger of the application may have
 * changed something: then the checks are made now.
 */
async function dropAsChecked(
  client: Client,
  foreignKey: ForeignKey,
  drop: Drop,
  checked: Checked & { readonly quick: readonly Check[] },
): Promise<readonly Check[]> {
  const { pairing, fingerprint, quick } = checked;
  const [, now] = await together(
    client,
    () => executeDdl(client, drop.sql),
    () => readFingerprint(client, foreignKey),
    () => lookAgain(client, pairing.pairs, drop.candidates),
  );
  if (now.after === fingerprint.after && !now.parent_exists) return quick;
  const readAgain = await readPairing(client, { ...foreignKey, constraint_oid: null }, new Map(), { indexes: false });
  return completeDrop(client, foreignKey, drop, { pairing: readAgain, parentExists: true });
}

/** Drops the parent FK, unless a duplicate invocation has dropped it already, and checks the result. */
async function dropAndCheck(
  client: Client,
  foreignKey: ForeignKey,
  drop: Drop,
  gate: GateUnderLock,
): Promise<readonly Check[]> {
  if (gate.parentExists) await executeDdl(client, drop.sql);
  return completeDrop(client, foreignKey, drop, gate);
}

/**
 * Renames pair FKs and creates missing guards after the DROP, and checks the result.
 *
 * @throws VerificationFailed where a check fails
 */
async function completeDrop(
  client: Client,
  foreignKey: ForeignKey,
  drop: Drop,
  { pairing, parentExists }: GateUnderLock,
): Promise<readonly Check[]> {
  if (parentExists) await takeFinalNames(client, foreignKey, pairing.pairs, drop);
  // The guards exist since the pair FKs were added, unless one was dropped since.
  if (drop.guards.length > 0) await createGuards(client, foreignKey, drop.id, drop.guards);
  const quick = await quickChecks(client, { ...foreignKey, constraint_oid: null }, pairing);
  const failed = quick.filter((check) => !check.passed);
  if (failed.length === 0) return quick;
  const what = failed.map((check) => check.detail).join('; ');
  throw new VerificationFailed(`after the drop, still in its transaction: ${what}`);
}
