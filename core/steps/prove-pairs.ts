/**
 * The proof that no row of a pair is an orphan: a scan of all of its rows, by this migration's VALIDATE or by a count. Each row is read for it
 * once before the drop, not twice; docs/postgresql-facts.md ("One proof for each row") says what each scan can find that the other cannot.
 * The ledger has the proofs and the counts, so that counting goes on where a handler's time was up.
 */
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import { refuseNewCode } from '../catalog/untrusted-code.ts';
import { anyConstraint, countOrphans, endCounting, type OrphanCount, prepareToCount } from '../checks/orphan-count.ts';
import type { Proof } from '../contracts/column-types.ts';
import type { Migration } from '../ledger/migrations.ts';
import { tryToNote } from '../ledger/notes/notes.ts';
import { changePair } from '../ledger/pairs.ts';
import { type Row, run } from '../postgres/sql.ts';
import type { StepContext } from './context.ts';

/** What the ledger knows of one pair: see `sql/checks/proofs.sql`. */
export type KnownProof = Row<'checks/proofs'>;

/** @param pairs the pairs of the catalog. They are matched to the ledger's by their partitions, because the numbers may differ. */
export function readProofs(
  { client }: StepContext,
  migration: Migration,
  pairs: readonly Pair[],
): Promise<KnownProof[]> {
  return run(client, 'checks/proofs', { migration_id: migration.id, pairs });
}

/**
 * Whether a pair need not be counted before the drop. A VALIDATE must not have begun too long ago, and counts only where no writes are to be
 * expected that no foreign key checks. Of a count that this execution has made only the time until an approval matters: where counting all pairs
 * takes longer than a proof may be old, it would never end otherwise.
 */
export function isProven(
  { proof, unchanged, unchecked_writes, age_seconds, before_approval_seconds }: KnownProof,
  maxAgeSeconds: number,
): boolean {
  if (!proof || !unchanged) return false;
  if (proof.by === 'count') return before_approval_seconds === null || before_approval_seconds <= maxAgeSeconds;
  // A clock that was set back does not say how old it is.
  return !unchecked_writes && age_seconds !== null && age_seconds >= 0 && age_seconds <= maxAgeSeconds;
}

/** What is wanted of each pair. */
export interface Counting {
  /** The pairs to be counted, as far as the ledger has no count of them that `isCounted` accepts. */
  readonly wanted: readonly KnownProof[];
  readonly isCounted: (known: KnownProof) => boolean;
  /** Of pairs that were proven before the drop: their proofs stay, and after so many milliseconds (0: never) a count of one is given up. */
  readonly afterDrop?: { readonly limitMs: number };
}

/**
 * Counts pairs.
 *
 * @returns `finished` false: call again. `counts` has the pairs counted so far.
 */
export async function countPairs(
  context: StepContext,
  migration: Migration,
  foreignKey: ForeignKey,
  pairs: readonly Pair[],
  { wanted, isCounted, afterDrop }: Counting,
): Promise<{ readonly finished: boolean; readonly counts: readonly OrphanCount[] }> {
  const { client } = context;
  const counts: OrphanCount[] = wanted
    .filter(isCounted)
    .map(({ pair, orphans }) => ({ pair, orphans: orphans ?? 0, listSql: '' }));
  const left = wanted.filter((known) => !isCounted(known));
  if (left.length > 0) await prepareToCount(client);
  let first = true;
  for (const known of left) {
    if (!first && context.remainingMs() < RESERVE_MS) return { finished: false, counts };
    first = false;
    const pair = pairs.find((one) => one.pair === known.pair);
    const again = known.unchanged ? afterDrop : undefined;
    const count = pair && (await countPair(context, migration, foreignKey, { pair, pairs, again }, known));
    if (count) counts.push(count);
  }
  if (left.length > 0) await endCounting(client);
  return { finished: true, counts };
}

/** Milliseconds of the handler's time in which no further pair is begun: the largest pair has to be begun in a fresh handler. */
const RESERVE_MS = 30_000;

async function countPair(
  context: StepContext,
  migration: Migration,
  foreignKey: ForeignKey,
  {
    pair,
    pairs,
    again,
  }: { readonly pair: Pair; readonly pairs: readonly Pair[]; readonly again: Counting['afterDrop'] },
  { ledger_pair }: KnownProof,
): Promise<OrphanCount | undefined> {
  const { client, logger } = context;
  // Counting the other pairs may have taken hours.
  await refuseNewCode(client, { ...pair, table: pair.referencing });
  // Before the scan: a trigger that is changed during it is another one afterwards.
  const [before] = await readProofs(context, migration, [pair]);
  const like = foreignKey.constraint_oid ?? anyConstraint(pairs);
  const [count] = await countOrphans(client, foreignKey, [pair], like, again?.limitMs);
  if (!count || ledger_pair === null) return count;
  const proof: Proof | null =
    count.orphans === 0 && before?.triggers
      ? { by: 'count', at: new Date(before.now).toISOString(), triggers: before.triggers }
      : null;
  await tryToNote(logger, 'an orphan count', () =>
    changePair(client, migration.id, ledger_pair, {
      orphans: count.orphans,
      orphans_counted_at: new Date().toISOString(),
      ...(again ? {} : { proof }),
    }),
  );
  return count;
}
