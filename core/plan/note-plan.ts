/** Notes in the ledger what the plan found when a migration began; the report compares it with the end. */
import type { Client } from 'pg';
import { probeDelete } from '../checks/delete-probe.ts';
import type { DeleteProbe, RecordedPlan } from '../contracts/trail.ts';
import { asNote } from '../ledger/notes/notes.ts';
import { messageOf, sqlStateOf } from '../postgres/postgres-errors.ts';
import { rollBack } from '../postgres/session/transactions.ts';
import { run, runOne } from '../postgres/sql.ts';
import type { PlanReading } from './read-plan.ts';

/**
 * Measures a DELETE with the parent FK, once, and notes findings and estimate. The probe deletes ten rows and rolls that back. It
 * is cancelled after `lockBudgetMs`, so its row locks block others no longer than any other statement of ours.
 */
export async function notePlan(
  client: Client,
  migrationId: string,
  reading: PlanReading,
  lockBudgetMs: number,
): Promise<void> {
  const { document, foreignKey } = reading;
  const { noted } = await runOne(client, 'ledger/plan-noted', { migration_id: migrationId });
  const measurable = !noted && foreignKey.constraint_oid !== null;
  const plan: RecordedPlan = {
    serverVersion: document.serverVersion,
    findings: document.findings,
    estimatedSeconds: document.estimate.seconds,
    deleteBefore: measurable ? await deleteBefore(client, reading, lockBudgetMs) : null,
  };
  await run(client, 'ledger/note-plan', { migration_id: migrationId, plan: await asNote(client, plan) });
}

async function deleteBefore(
  client: Client,
  { foreignKey, pairing }: PlanReading,
  timeoutMs: number,
): Promise<DeleteProbe> {
  try {
    await client.query('BEGIN');
    // If this process freezes with rows locked, the server ends the session.
    await client.query("SELECT set_config('idle_in_transaction_session_timeout', '1s', true)");
    const { detail, passed } = await probeDelete(client, foreignKey, pairing.pairs, { proofs: null, timeoutMs });
    return { detail, passed };
  } catch (error) {
    // Nothing depends on this measurement, so an error that prevents it is only reported.
    if (sqlStateOf(error) === '57014') {
      return { detail: `no answer within ${timeoutMs} ms: stopped, so that no session waits for it`, passed: false };
    }
    return { detail: `not measured: ${messageOf(error)}`, passed: true };
  } finally {
    await rollBack(client);
  }
}
