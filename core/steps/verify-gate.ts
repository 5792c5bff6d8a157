/** VerifyGate: may the parent FK go? The catalog is asked again, and the rows of every pair are counted. */
import type { GateResult, MigrationEvent } from '../contracts.ts';
import { readGate } from '../gate.ts';
import { readPairs } from '../ledger.ts';
import { shortName } from '../pairs.ts';
import { enterWithinWindow, type StepContext } from './context.ts';
import { countRemainingOrphans } from './count-remaining-orphans.ts';

export async function verifyGate(context: StepContext, event: MigrationEvent): Promise<GateResult> {
  const { client } = context;
  const { migration, foreignKey } = await enterWithinWindow(context, event);
  const planned = await readPairs(client, migration.id);
  const of = planned.length;
  const { pairing, problems } = await readGate(client, foreignKey, planned);
  if (problems.length > 0) return { status: 'FAILED', pairs: of, reason: problems.join('; ') };
  // Entered again after the drop, by a resumed execution: the gate has done its work.
  if (migration.constraint_oid === null) return { status: 'PASSED', pairs: of, reason: '' };

  const { finished, counts } = await countRemainingOrphans(context, migration, foreignKey, pairing.pairs);
  const orphaned = counts.filter((count) => count.orphans > 0);
  if (orphaned.length > 0) {
    const where = orphaned.map(
      ({ pair, orphans }) =>
        `${orphans} in ${shortName(pairing.pairs.find((one) => one.pair === pair)?.referencing ?? '', migration.table_name)}`,
    );
    return {
      status: 'FAILED',
      pairs: of,
      reason: `orphaned rows below valid foreign keys: ${where.join(', ')}; they came in under session_replication_role = replica or with triggers disabled`,
    };
  }
  if (!finished) return { status: 'COUNTING', pairs: of, reason: '' };
  if (migration.options.approval === 'manual' && migration.approved_at === null) {
    return {
      status: 'AWAITING_APPROVAL',
      pairs: of,
      reason: `all ${of} pair foreign keys are valid; approve with: p2pfk approve --table ${migration.table_name}`,
    };
  }
  return { status: 'PASSED', pairs: of, reason: '' };
}
