/**
 * The drop check: the gate and the other conditions for the drop, checked before the locks, and again under them if something has changed
 * since. docs/architecture.md, "What the drop relies on", has the reasoning.
 */

import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { readFinalNames, renameStatements } from '../catalog/pair-names.ts';
import { holdingRows, type Pairing } from '../catalog/pairs.ts';
import { type Guard, unguardedPairs } from '../catalog/row-movement-guard.ts';
import {
  type Candidate,
  findCandidates,
  type LookupProof,
  lookAgain,
  proveLookups,
  scanningLookups,
} from '../checks/delete-probe.ts';
import { type Fingerprint, hasPlainOwners, readFingerprint } from '../checks/drop-fingerprint.ts';
import { readGate, refuseOutdatedPlan } from '../checks/gate.ts';
import { quickChecks } from '../checks/verification.ts';
import type { Check } from '../contracts/documents.ts';
import { GateFailed, PartitionSetChanged } from '../contracts/errors.ts';
import { type MigrationOptions, readMigration } from '../ledger/migrations.ts';
import type { LedgerPair } from '../ledger/pairs.ts';
import { askTogether, noteQuestions, type Question } from '../postgres/sql.ts';
import { doubtful, type KnownProof, readProofs } from './prove-pairs.ts';

/** Results from before the locks. They hold under the locks while the fingerprint is the same. */
export interface Checked {
  readonly fingerprint: Fingerprint;
  readonly pairing: Pairing;
  /**
   * The checks that follow the DROP, all passed, provided that it removes the parent FK and changes nothing else. Undefined: they must be
   * made after the DROP, because something else will be changed, or one of them would fail.
   */
  readonly quick: readonly Check[] | undefined;
}

/**
 * Checks everything before anything is locked, and notes the questions, which are asked again under the locks if something has changed by
 * then: their query plans are kept. Also proves that a DELETE is fast; under the locks only the existence of the indexes is checked again.
 *
 * @throws GateFailed where the gate does not pass any more, or the lookup of a pair FK scans
 * @throws PartitionSetChanged when only the plan is out of date
 */
export async function askBeforeTheLock(
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
  /** Undefined: the answers depend on more than the fingerprint covers. */
  readonly checked: Checked | undefined;
}> {
  // Before the first question, so that a change while they are asked is noticed.
  const fingerprint = await readFingerprint(client, foreignKey);
  const before = await noteQuestions(client, async () => {
    const gate = await openGate(client, foreignKey, planned, options);
    const proofs = await readProofs({ client }, { id }, gate.pairs);
    const { constraint_oid } = await readMigration(client, id);
    if (constraint_oid !== null) refuseDoubtful(gate, proofs);
    return gate;
  });
  const pairing = before.result;
  const { pairs } = pairing;
  const proofs = await proveLookups(client, pairs);
  const problem = await scanningLookups(client, pairs, proofs);
  if (problem !== null && !noIndexes) throw new GateFailed(problem);
  const candidates = await findCandidates(client, foreignKey, pairs);
  // These questions are about the state after the drop.
  const dropped = { ...foreignKey, constraint_oid: null };
  const after = await noteQuestions(client, async () => {
    await readFinalNames(client, dropped, pairs, options);
    const unguarded = await unguardedPairs(client, id, guards);
    const quick = await quickChecks(client, dropped, pairing, foreignKey.constraint_oid);
    return { isComplete: unguarded.length === 0 && quick.every(({ passed }) => passed), quick };
  });
  const probe = await noteQuestions(client, () => lookAgain(client, pairs, candidates));
  const names = await readFinalNames(client, foreignKey, pairs, options);
  const isComplete = after.result.isComplete && names.flatMap(renameStatements).length === 0;
  const isCovered = fingerprint.parent_exists && (await hasPlainOwners(client, foreignKey, pairs));
  return {
    proofs,
    candidates,
    questions: {
      before: before.questions,
      after: [...after.questions, ...probe.questions],
      probe: probe.questions,
    },
    checked: isCovered ? { fingerprint, pairing, quick: isComplete ? after.result.quick : undefined } : undefined,
  };
}

/** Questions asked under the locks before the DROP and after it, and those of the latter that the DELETE probe asks. */
export interface QuestionsOfDrop {
  readonly before: readonly Question[];
  readonly after: readonly Question[];
  readonly probe: readonly Question[];
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

/**
 * The gate has a proof of each pair. Triggers that were disabled for a bulk load since then, or a subscription that has come, end it: a drop would
 * leave orphans to the checks after it, when the parent FK is gone, and no rollback could validate that again. The next gate counts these pairs.
 *
 * @throws PartitionSetChanged
 */
function refuseDoubtful({ pairs }: Pairing, proofs: readonly KnownProof[]): void {
  const [first, ...more] = doubtful(proofs);
  if (!first) return;
  const name = pairs.find(({ pair }) => pair === first.pair)?.referencing ?? `pair ${first.pair}`;
  throw new PartitionSetChanged(
    `the parent foreign key was not dropped: ${name}${more.length > 0 ? ` and ${more.length} more partition(s)` : ''} may have got rows since the preflight check that no foreign key has checked: ${first.unchanged ? 'a subscription fills it, or sessions begin with session_replication_role = replica' : 'triggers of its foreign key were switched or made anew'}; what was done so far is kept: migrate again, which counts them first`,
  );
}

export interface GateUnderLock {
  readonly pairing: Pairing;
  /** Whether the parent FK exists: a duplicate invocation may have dropped it already. */
  readonly parentExists: boolean;
  /** Undefined: something has changed since, so everything was checked again. */
  readonly checked?: Checked;
}

/**
 * The gate under the locks: the result from before them if nothing has changed since, else a new one.
 *
 * @throws GateFailed or PartitionSetChanged where the parent FK must not be dropped
 */
export async function gateUnderLock(
  client: Client,
  foreignKey: ForeignKey,
  planned: readonly LedgerPair[],
  {
    checked,
    id,
    options,
    questions,
  }: {
    readonly checked: Checked | undefined;
    readonly id: string;
    readonly options: MigrationOptions;
    readonly questions: QuestionsOfDrop;
  },
): Promise<GateUnderLock> {
  if (checked) {
    const { before } = await readFingerprint(client, foreignKey);
    const { pairing } = checked;
    // Rows inserted into a partition without a partner change nothing in the catalog.
    const isSame =
      before === checked.fingerprint.before && (await holdingRows(client, foreignKey, pairing.unpaired)).size === 0;
    if (isSame) return { pairing, parentExists: true, checked };
  }
  return askTogether(client, questions.before, async () => {
    const pairing = await openGate(client, foreignKey, planned, options);
    const proofs = await readProofs({ client }, { id }, pairing.pairs);
    const parentExists = (await readMigration(client, id)).constraint_oid !== null;
    if (parentExists) refuseDoubtful(pairing, proofs);
    return { pairing, parentExists };
  });
}
