/**
 * VerifyGate: decides whether the parent FK may be dropped. It reads the catalog again, and has the orphans counted of every pair that was
 * not proven lately. Where an approval is needed, it rehearses the drop and waits.
 */

import { type Pairing, shortName } from '../../catalog/pairs.ts';
import { refuseNewCode } from '../../catalog/untrusted-code.ts';
import { proveLookups, scanningLookups } from '../../checks/delete-probe.ts';
import { readGate, refuseOutdatedPlan } from '../../checks/gate.ts';
import { acceptFlags, notAccepted } from '../../checks/preflight/acceptance.ts';
import { readFindings } from '../../checks/preflight/sql-findings.ts';
import { checkStandbys } from '../../checks/preflight/standby-findings.ts';
import type { Rehearsal } from '../../contracts/documents.ts';
import { PartitionSetChanged } from '../../contracts/errors.ts';
import { pollForApproval } from '../../contracts/event-budget.ts';
import { LEASE_SECONDS } from '../../contracts/lease.ts';
import { paceOf } from '../../contracts/pace.ts';
import { shellWord } from '../../contracts/safe-text.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { CheckEvent } from '../../contracts/steps/events.ts';
import type { GateResult } from '../../contracts/steps/results.ts';
import { approvalProblem } from '../../ledger/approval-check.ts';
import { changeMigration, extendLease, type Migration, wantsNoIndexes } from '../../ledger/migrations.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { type EnteredMigration, enterWithinWindow, type StepContext } from '../context.ts';
import { heldBack } from '../pace.ts';
import { countingOfGate, countPairs, readProofs } from '../prove-pairs.ts';
import { defineStep } from '../step.ts';
import { verifiedDrop } from '../verified-drop.ts';

/**
 * @returns FAILED with the reasons; COUNTING: call again after the pairs of `count` are counted; AWAITING_APPROVAL, HELD: call again
 * @throws PartitionSetChanged where only the plan is out of date, or findings are new that need acceptance
 */
export async function verifyGate(context: StepContext, event: CheckEvent): Promise<GateResult> {
  const { client } = context;
  const entered = await enterWithinWindow(context, event);
  const { migration, foreignKey } = entered;
  const planned = await readPairs(client, migration.id);
  const result = (status: GateResult['status'], reason = '', waitSeconds = 0): GateResult => ({
    status,
    pairs: planned.length,
    reason,
    waitSeconds,
  });
  // The step is repeated after the drop, by a resumed execution: the gate has done its work.
  if (migration.constraint_oid === null) return result('PASSED');
  const { hold, ...pace } = paceOf(migration.options);
  // Held or not, the time for an approval goes on.
  if (hold !== null && !approvalTimedOut(migration)) {
    const { note, waitSeconds } = await heldBack(client, migration, { ...pace, hold }, hold);
    return result('HELD', note, waitSeconds);
  }
  await refuseNewCode(client, foreignKey);
  const reading = await readGate(client, foreignKey, planned, migration.options);
  refuseOutdatedPlan(reading);
  const { pairing } = reading;
  const problems = [...reading.changes, ...reading.problems];
  if (problems.length > 0) return result('FAILED', problems.join('; '));
  const scans = await scanningLookups(client, pairing.pairs, await proveLookups(client, pairing.pairs));
  if (scans !== null && !wantsNoIndexes(migration)) return result('FAILED', scans);

  const known = await readProofs(context, migration, pairing.pairs);
  const counting = countingOfGate(migration);
  const { counts, left } = await countPairs(context, migration, foreignKey, pairing.pairs, {
    known,
    counting,
    countsPairs: event.countsPairs,
  });
  const orphaned = counts.filter((count) => count.orphans > 0);
  if (orphaned.length > 0) {
    const name = (number: number) => pairing.pairs.find((pair) => pair.pair === number)?.referencing ?? '';
    const where = orphaned.map(({ pair, orphans }) => `${orphans} in ${shortName(name(pair), migration.table_name)}`);
    return result(
      'FAILED',
      `orphaned rows below valid foreign keys: ${where.join(', ')}; they came in under session_replication_role = replica or with triggers disabled`,
    );
  }
  if (left) return { ...result('COUNTING'), count: left };
  await refuseNewFindings(context, entered, pairing);
  return decide(context, entered, event.execution, result);
}

function approvalTimedOut(migration: Migration): boolean {
  const { approval_waited_seconds: waited, options } = migration;
  return waited !== null && waited >= options.approvalTimeoutSeconds && approvalProblem(migration) !== null;
}

/**
 * Refuses findings that appeared after the plan, hours or days ago, and that would make something of the application fail or be
 * lost. They need acceptance like those of the plan: the execution pauses, and nothing is undone.
 *
 * @throws PartitionSetChanged where there are such findings
 */
async function refuseNewFindings(
  { client }: StepContext,
  { migration: { options }, foreignKey }: EnteredMigration,
  pairing: Pairing,
): Promise<void> {
  const findings = await readFindings(client, { foreignKey, pairing, input: options });
  const open = notAccepted(findings, { accept: options.accept ?? [], accepted: options.accepted });
  if (open.length === 0) return;
  const lines = open.map(({ id, message, remedy }) => `[${id}] ${message}; ${remedy}`);
  throw new PartitionSetChanged(
    `since the plan something came up that needs acceptance: ${lines.join(' | ')}; what was done so far is kept: migrate again with ${acceptFlags(open)}`,
  );
}

/** The gate passed. Decide whether to proceed, rehearse, or wait for approval. */
async function decide(
  context: StepContext,
  entered: EnteredMigration,
  execution: string,
  result: (status: GateResult['status'], reason?: string, waitSeconds?: number) => GateResult,
): Promise<GateResult> {
  const { migration } = entered;
  const { rehearse, approvalTimeoutSeconds } = migration.options;
  const problem = approvalProblem(migration);
  if (problem === null && !rehearse) return result('PASSED');

  const waited = migration.approval_waited_seconds;
  const rehearsal = (waited !== null && migration.rehearsal) || (await rehearseDrop(context, entered, execution));
  const rehearsalText = describeRehearsal(rehearsal);
  if (rehearse)
    return result('REHEARSED', `${rehearsalText}; nothing was changed, and the parent foreign key is in place`);
  if (waited === null)
    await changeMigration(context.client, migration.id, { approval_asked_at: new Date().toISOString() });
  // An approval that does not count is reported, because the person who gave it believes that it does.
  const invalid = migration.approved_at === null ? '' : `${problem}; `;
  const how = `${invalid}approve with: p2pfk approve --table ${shellWord(migration.table_name)}`;
  if ((waited ?? 0) >= approvalTimeoutSeconds)
    return result(
      'APPROVAL_TIMED_OUT',
      `${rehearsalText}; it was not approved within ${approvalTimeoutSeconds} s; ${how}`,
    );
  const pairs = await readPairs(context.client, migration.id);
  const waitSeconds = pollForApproval(waited ?? 0, approvalTimeoutSeconds, pairs);
  // Until the gate asks again, only the lease shows that this execution lives.
  await extendLease(context.client, migration.id, execution, waitSeconds + LEASE_SECONDS);
  return result('AWAITING_APPROVAL', `${rehearsalText}; ${how}`, waitSeconds);
}

async function rehearseDrop(context: StepContext, entered: EnteredMigration, execution: string): Promise<Rehearsal> {
  const { checks, lockedMs, workMs } = await verifiedDrop(context, entered, execution, 'ROLLBACK');
  const at = new Date().toISOString();
  const [standbys] = await checkStandbys(context.client);
  const rehearsal: Rehearsal = {
    at,
    lockedMs: Math.round(lockedMs),
    workMs: Math.round(workMs),
    checks,
    ...(standbys ? { standbys: standbys.message } : {}),
  };
  await changeMigration(context.client, entered.migration.id, { rehearsal });
  return rehearsal;
}

function describeRehearsal({ lockedMs, checks, standbys }: Rehearsal): string {
  const probe = checks.find((check) => check.id === 'delete-performance');
  const rehearsalText = `the drop was rehearsed and rolled back: ${lockedMs} ms under lock, ${checks.length} checks passed${probe ? `, ${probe.detail}` : ''}`;
  return standbys === undefined ? rehearsalText : `${rehearsalText}; these are times of the primary: ${standbys}`;
}

export const step = defineStep(Steps['verify-gate'], verifyGate);
