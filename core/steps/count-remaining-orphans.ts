/** The orphan count of all pairs, over as many handler calls as it needs. The ledger stores the counts. */
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import { refuseNewCode } from '../catalog/untrusted-code.ts';
import { anyConstraint, countOrphans, type OrphanCount, prepareToCount } from '../checks/orphan-count.ts';
import type { Migration } from '../ledger/migrations.ts';
import { tryToNote } from '../ledger/notes/notes.ts';
import { changePair, readPairs } from '../ledger/pairs.ts';
import type { StepContext } from './context.ts';

/** Milliseconds of the handler's time in which no further pair is begun: the largest pair has to be begun in a fresh handler. */
const RESERVE_MS = 30_000;

/**
 * Counts the pairs that the ledger has no count of.
 *
 * @param pairs the pairs of the catalog. They are matched to the ledger's by their partitions, because the numbers may differ.
 * @returns `finished` false: call again. `counts` has the pairs counted so far.
 */
export async function countRemainingOrphans(
  context: StepContext,
  migration: Migration,
  foreignKey: ForeignKey,
  pairs: readonly Pair[],
): Promise<{ readonly finished: boolean; readonly counts: readonly OrphanCount[] }> {
  const { client } = context;
  const known = await readPairs(client, migration.id);
  const key = (pair: Pick<Pair, 'referencing_oid' | 'referenced_oid'>) =>
    `${pair.referencing_oid} ${pair.referenced_oid}`;
  const byPartitions = new Map(known.map((pair) => [key(pair), pair]));
  const ledgerPair = (pair: Pair) => byPartitions.get(key(pair));
  const counts: OrphanCount[] = pairs.flatMap((pair) => {
    const row = ledgerPair(pair);
    return row?.orphans_counted_at ? [{ pair: pair.pair, orphans: row.orphans ?? 0, listSql: '' }] : [];
  });
  const left = pairs.filter((pair) => !ledgerPair(pair)?.orphans_counted_at);
  if (left.length > 0) await prepareToCount(client);
  let first = true;
  for (const pair of left) {
    if (!first && context.remainingMs() < RESERVE_MS) return { finished: false, counts };
    first = false;
    // Counting the other pairs may have taken hours.
    await refuseNewCode(client, { ...pair, table: pair.referencing });
    const [count] = await countOrphans(client, foreignKey, [pair], foreignKey.constraint_oid ?? anyConstraint(pairs));
    if (!count) continue;
    counts.push(count);
    const row = ledgerPair(pair);
    if (row)
      await tryToNote(context.logger, 'an orphan count', () =>
        changePair(client, migration.id, row.pair, {
          orphans: count.orphans,
          orphans_counted_at: new Date().toISOString(),
        }),
      );
  }
  return { finished: true, counts };
}
