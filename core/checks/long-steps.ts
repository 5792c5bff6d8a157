/** The long steps of a migration, and for how long each of their statements holds back VACUUM. Pure. */
import type { Pair } from '../catalog/pairs.ts';
import type { SnapshotForecast } from '../contracts/documents.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import { PACE, type Timed } from '../contracts/forecast.ts';

/** Which pairs each kind of long step has to work on. */
export interface LongWork {
  readonly index: readonly Pair[];
  readonly validate: readonly Pair[];
  readonly count: readonly Pair[];
}

export function longWork(pairs: readonly Pair[], input: ExecutionInput): LongWork {
  const counted = countedBeforeDrop(input);
  return {
    index: pairs.filter(({ has_index }) => !has_index && !input.noIndexes),
    validate: pairs.filter(({ validated }) => !validated),
    count: pairs.filter(counted),
  };
}

/** The largest pair of each kind: its statement holds a snapshot longest. */
export function forecastSnapshots(work: LongWork): SnapshotForecast[] {
  const kinds: readonly Timed[] = ['index', 'validate', 'count'];
  return kinds.flatMap((step) => {
    const largest = work[step].reduce<Pair | null>(
      (most, pair) => (most && most.rows >= pair.rows ? most : pair),
      null,
    );
    return largest === null ? [] : [{ step, referencing: largest.referencing, seconds: largest.rows / PACE[step] }];
  });
}

/** Which pairs are counted before the drop: where a proof is missing or will be too old. */
export function countedBeforeDrop({ approval, proofMaxAgeSeconds }: ExecutionInput): (pair: Pair) => boolean {
  // An approval takes longer than a proof may be old, as a rule.
  const isOld = proofMaxAgeSeconds === 0 || approval === 'manual';
  return ({ validated }) => isOld || validated;
}
