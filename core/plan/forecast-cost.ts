/** What the long steps of a migration cost others: for how long each holds back VACUUM, and the WAL of the index builds. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import type { Estimate, SnapshotForecast } from '../contracts/documents.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import { PACE, type Timed } from '../contracts/forecast.ts';
import { runOne } from '../postgres/sql.ts';

/** Which pairs each kind of long step has to work on. */
export interface LongWork {
  readonly index: readonly Pair[];
  readonly validate: readonly Pair[];
  readonly count: readonly Pair[];
}

/** @param counted whether the orphans of a pair are counted before the drop */
export function longWork(pairs: readonly Pair[], input: ExecutionInput, counted: (pair: Pair) => boolean): LongWork {
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

/** About as much WAL as the new indexes are large: each of their pages is written to it once. */
export async function forecastIndexWal(
  client: Client,
  { column_names }: Pick<ForeignKey, 'column_names'>,
  pairs: readonly Pair[],
): Promise<Pick<Estimate, 'indexWalBytes'>> {
  if (pairs.length === 0) return {};
  const { bytes } = await runOne(client, 'catalog/index-size', {
    pairs: pairs.map(({ referencing_oid, rows }) => ({ referencing_oid, rows })),
    column_names,
  });
  return { indexWalBytes: Math.round(bytes) };
}
