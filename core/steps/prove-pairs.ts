/**
 * The proof that no row of a pair is an orphan: a scan of all of its rows, by this migration's VALIDATE or by a count. Each row is read for it
 * once before the drop, not twice; docs/postgresql-facts.md ("One proof for each row") says what each scan can find that the other cannot.
 * The ledger has the proofs and the counts, so that counting goes on where a handler's time was up.
 */
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { hasForeignTable, type Pair } from '../catalog/pairs.ts';
import { refuseNewCode } from '../catalog/untrusted-code.ts';
import {
  anyConstraint,
  type CountedPair,
  countOrphans,
  endCounting,
  type OrphanCount,
  prepareToCount,
  SAMPLE_SECONDS,
  sampleOf,
} from '../checks/orphan-count.ts';
import type { Proof } from '../contracts/column-types.ts';
import { COUNT_ITERATION_LIMIT, iterationsOf } from '../contracts/event-budget.ts';
import type { PairsToCount } from '../contracts/steps/results.ts';
import { approvalProblem } from '../ledger/approval-check.ts';
import type { Migration } from '../ledger/migrations.ts';
import { tryToNote } from '../ledger/notes/notes.ts';
import { changePair, type PairChanges } from '../ledger/pairs.ts';
import { type Row, run } from '../postgres/sql.ts';
import type { StepContext } from './context.ts';

/** What the ledger knows of one pair: see `sql/checks/proofs.sql`. */
export type KnownProof = Row<'checks/proofs'>;

/** @param pairs the pairs of the catalog. They are matched to the ledger's by their partitions, because the numbers may differ. */
export function readProofs(
  { client }: Pick<StepContext, 'client'>,
  migration: Pick<Migration, 'id'>,
  pairs: readonly CountedPair[],
): Promise<KnownProof[]> {
  return run(client, 'checks/proofs', { migration_id: migration.id, pairs });
}

/** Which pairs are to be counted. */
export interface Counting {
  readonly isWanted: (known: KnownProof) => boolean;
  /** The ledger has a count that will do. */
  readonly isCounted: (known: KnownProof) => boolean;
  /** Of a sample, whose proofs from before the drop stay: a count that takes long is given up. */
  readonly isSample: (known: KnownProof) => boolean;
}

/** Before the drop: pairs whose proof is missing, too old, or from before a change of a trigger of their pair FK. */
export function countingOfGate(migration: Migration): Counting {
  // While a person decides, proofs grow old; what is asked again and again is counted again once, after the approval.
  const isAsked = migration.approval_waited_seconds !== null && approvalProblem(migration) !== null;
  const maxAgeSeconds = isAsked ? Infinity : migration.options.proofMaxAgeSeconds;
  return {
    isWanted: (known) => !isProven(known, maxAgeSeconds) || known.is_counted,
    // What was counted and found wanting is not counted again: the gate is closed.
    isCounted: (known) => known.is_counted && ((known.orphans ?? 0) > 0 || isProven(known, maxAgeSeconds)),
    isSample: () => false,
  };
}

/**
 * Whether a pair need not be counted before the drop. A VALIDATE must not have begun too long ago, and counts only where no writes are to be
 * expected that no foreign key checks. A count that this execution has made has no age, because where counting all pairs takes longer than a proof
 * may be old, it would never end otherwise: only the time until an approval matters, and a hold's end forgets what is older (change-pace.ts). And
 * it counts where such writes were to be expected when it was made: no later one could prove more.
 */
function isProven(
  { proof, unchanged, unchecked_writes, age_seconds, before_approval_seconds }: KnownProof,
  maxAgeSeconds: number,
): boolean {
  if (!proof || !unchanged) return false;
  if (proof.by === 'count') {
    // A subscription that came after the count.
    if (unchecked_writes && proof.unchecked !== true) return false;
    return before_approval_seconds === null || before_approval_seconds <= maxAgeSeconds;
  }
  // A clock that was set back does not say how old it is.
  return !unchecked_writes && age_seconds !== null && age_seconds >= 0 && age_seconds <= maxAgeSeconds;
}

/** Just before the drop: the pairs whose proof has become doubtful since the gate. Only what has happened meanwhile counts, and not its age. */
export function doubtful(known: readonly KnownProof[]): KnownProof[] {
  return known.filter((one) => !isProven(one, Infinity));
}

/**
 * After the drop: a sample, or all. And each pair that was not proven before the drop by this migration, or whose triggers were changed since.
 *
 * @param known all pairs, of which the sample is taken
 */
export function countingAfterDrop({ options: { recount } }: Migration, known: readonly KnownProof[]): Counting {
  const sample = new Set((recount === 'sample' ? sampleOf(known) : []).map(({ pair }) => pair));
  const isSample = ({ unchanged, pair }: KnownProof) => unchanged && sample.has(pair);
  return {
    isWanted: (one) => recount === 'all' || !one.unchanged || isSample(one),
    isCounted: ({ is_counted }) => is_counted,
    isSample,
  };
}

/** Rows that a step counts itself: that is done sooner than a session for each pair is open. */
const ROWS_AT_ONCE = 1_000_000;

/** Milliseconds of the handler's time in which no further pair is begun: the largest pair has to be begun in a fresh handler. */
const RESERVE_MS = 30_000;

/** What a step on the whole migration knows of its pairs. */
interface CountingOfStep {
  readonly known: readonly KnownProof[];
  readonly counting: Counting;
  /** {@link CheckEvent}: the Map state will count what is left. */
  readonly countsPairs?: boolean | undefined;
}

interface Counted {
  readonly counts: readonly OrphanCount[];
  readonly left?: PairsToCount;
}

/**
 * Counts the pairs that are wanted and not counted yet, or leaves them to the Map state CountOrphans where they have many rows.
 *
 * @returns `left`: these are to be counted first, and then this step is called again. `counts` has the pairs counted so far.
 */
export async function countPairs(
  context: StepContext,
  migration: Migration,
  foreignKey: ForeignKey,
  pairs: readonly Pair[],
  { known, counting, countsPairs = false }: CountingOfStep,
): Promise<Counted> {
  const wanted = known.filter(counting.isWanted);
  const counts: OrphanCount[] = wanted
    .filter(counting.isCounted)
    .map(({ pair, orphans }) => ({ pair, orphans: orphans ?? 0, listSql: '' }));
  const ofPair = new Map(pairs.map((pair) => [pair.pair, pair]));
  const open = wanted.flatMap((one) => {
    const pair = ofPair.get(one.pair);
    return pair && !counting.isCounted(one) ? [{ known: one, pair, isSample: counting.isSample(one) }] : [];
  });
  const forMap = open.filter(isForMap);
  if (countsPairs && forMap.reduce((sum, { pair }) => sum + pair.rows, 0) > ROWS_AT_ONCE)
    return { counts, left: pairsToCount(migration, forMap) };
  if (open.length > 0) await prepareToCount(context.client);
  const like = foreignKey.constraint_oid ?? anyConstraint(pairs);
  for (const [index, one] of open.entries()) {
    if (index > 0 && context.remainingMs() < RESERVE_MS)
      return { counts, left: pairsToCount(migration, open.slice(index).filter(isForMap)) };
    const count = await countPair(context, migration, foreignKey, one.pair, {
      like,
      limitMs: one.isSample ? SAMPLE_SECONDS * 1_000 : 0,
      note: (pair, changes) =>
        tryToNote(context.logger, 'an orphan count', () => changePair(context.client, migration.id, pair, changes)),
    });
    if (count) counts.push(count);
  }
  if (open.length > 0) await endCounting(context.client);
  return { counts };
}

/** The Map has to get a count of each of its pairs, or it would be asked for it again and again. */
function isForMap({ pair, isSample }: { readonly pair: Pair; readonly isSample: boolean }): boolean {
  return !isSample && pair.constraint_oid !== null && !hasForeignTable(pair);
}

function pairsToCount(
  { options }: Migration,
  open: readonly { readonly known: KnownProof; readonly pair: Pair }[],
): PairsToCount {
  const sized = open
    .flatMap(({ known: { ledger_pair: pair }, pair: { referencing, rows } }) =>
      pair === null ? [] : [{ pair, referencing, rows }],
    )
    .toSorted((one, other) => one.pair - other.pair);
  return {
    pairs: iterationsOf(sized, COUNT_ITERATION_LIMIT),
    maxConcurrency: options.maxConcurrency,
    pairCount: sized.length,
  };
}

/** How one pair is counted. */
interface CountOfPair {
  /** Oid of the foreign key that determines the comparison where the pair has none. */
  readonly like: number | null;
  /** 0: as long as it takes. Else of a sample: its proof from before the drop stays. */
  readonly limitMs: number;
  note(ledgerPair: number, changes: PairChanges): Promise<unknown>;
}

/**
 * Counts one pair and notes the number, and that it is a proof.
 *
 * @returns undefined where there is no query that counts it, or the limit was reached
 */
export async function countPair(
  context: StepContext,
  migration: Migration,
  foreignKey: ForeignKey,
  pair: CountedPair & { readonly referencing: string; readonly referenced: string },
  { like, limitMs, note }: CountOfPair,
): Promise<OrphanCount | undefined> {
  // Counting the other pairs may have taken hours.
  await refuseNewCode(context.client, { ...pair, table: pair.referencing });
  // Before the scan: a trigger that is changed during it is another one afterwards.
  const [before] = await readProofs(context, migration, [pair]);
  const [count] = await countOrphans(context.client, foreignKey, [pair], like, limitMs);
  if (!count || !before || before.ledger_pair === null) return count;
  const proof: Proof | null =
    count.orphans === 0 && before.triggers
      ? {
          by: 'count',
          at: new Date(before.now).toISOString(),
          triggers: before.triggers,
          ...(before.unchecked_writes ? { unchecked: true } : {}),
        }
      : null;
  await note(before.ledger_pair, {
    orphans: count.orphans,
    orphans_counted_at: new Date().toISOString(),
    ...(limitMs > 0 ? {} : { proof }),
  });
  return count;
}
