/** Events of an execution, for tests of progress without a history. */

import type { ProgressEvent } from '../../cli/progress/events.ts';
import { advance } from '../../cli/progress/progress.ts';
import { NOTHING_YET, type Progress } from '../../cli/progress/state.ts';
import type {
  DropPairsResult,
  FenceResult,
  GateResult,
  PairResult,
  PlanResult,
  RolledBackResult,
  VerifyMigrationResult,
} from '../../core/contracts/steps/results.ts';

export const plan = (count: number, status: PlanResult['status'] = 'PLANNED'): PlanResult => ({
  status,
  migrationId: 'm-1',
  database: { systemIdentifier: '7312', databaseOid: 16384, database: 'copyjob', endpoint: 'db.example.com:5432' },
  table: 'public.path',
  referencedTable: 'public.inode',
  constraint: 'path_medium_hash_ino_fkey',
  pairs: Array.from({ length: count }, (_, index) => ({
    pair: index + 1,
    last: index + 1,
    referencing: `public.path_p_${index + 1}`,
  })),
  pairCount: count,
  maxConcurrency: 4,
});

export const pair = (number: number, of: number, result: Partial<PairResult> = {}): PairResult => ({
  status: 'DONE',
  pair: number,
  of,
  referencing: `path_p_${number}`,
  referenced: `inode_p_${number}`,
  object: `fk_path_to_inode_p_${number}`,
  rows: 1000 * number,
  durationMs: 42_000,
  lockWaitMs: 3,
  waitSeconds: 0,
  ...result,
});

export const gate = (status: GateResult['status'], pairs: number, reason = ''): GateResult => ({
  status,
  pairs,
  reason,
  waitSeconds: 0,
});

export const verified = (
  status: VerifyMigrationResult['status'],
  checks: VerifyMigrationResult['checks'],
  reason = '',
): VerifyMigrationResult => {
  const { database, table, constraint, pairCount: pairs } = plan(2);
  return { status, migrationId: 'm-1', database, table, constraint, pairs, checks, reason };
};

export const pairsDropped = (foreignKeys: number, indexes: number): DropPairsResult => ({
  status: 'DROPPED',
  foreignKeys,
  indexes,
  keptIndexes: 0,
});

export const rolledBack = (definition: string): RolledBackResult => {
  const { table, constraint } = plan(2);
  return { status: 'ROLLED_BACK', migrationId: 'm-1', table, constraint, definition };
};

export const pairInput = (number: number) => ({
  migrationId: 'm-1',
  execution: 'x',
  pair: number,
  last: number,
  referencing: `public.path_p_${number}`,
});

/** Cause as Lambda gives it. */
export const cause = (errorType: string, errorMessage: string) =>
  JSON.stringify({ errorType, errorMessage, trace: [] });

export const scheduled = (state: string, input: unknown = {}, at = 0): ProgressEvent => ({
  type: 'TaskScheduled',
  state,
  attempt: 1,
  input,
  at,
});

export const succeeded = (state: string, output: unknown, input: unknown = {}, at = 0): ProgressEvent => ({
  type: 'TaskSucceeded',
  state,
  attempt: 1,
  input,
  output,
  at,
});

/** A step over all pairs that goes well. */
export const overPairs = (state: string, count: number, result: Partial<PairResult> = {}): ProgressEvent[] =>
  Array.from({ length: count }, (_, index) => [
    scheduled(state, pairInput(index + 1)),
    succeeded(state, pair(index + 1, count, result), pairInput(index + 1)),
  ]).flat();

export const fence = (parentForeignKey: 'PRESENT' | 'DROPPED', pairs = 0): FenceResult => ({
  status: 'FENCED',
  parentForeignKey,
  strategy: parentForeignKey === 'DROPPED' ? 'attach' : 'NONE',
  pairs: plan(pairs).pairs,
  pairCount: pairs,
  maxConcurrency: 4,
});

export function play(events: readonly ProgressEvent[], from: Progress = NOTHING_YET) {
  let progress = from;
  const lines: string[] = [];
  for (const event of events) {
    const advanced = advance(progress, event);
    progress = advanced.progress;
    lines.push(...advanced.lines);
  }
  return { progress, lines };
}
