/** What is known of an execution from its events. */
import type { NamedError } from '../../core/contracts/cause.ts';
import type { CheckId, MigratedPair } from '../../core/contracts/documents.ts';
import { stepOfState } from '../../core/contracts/steps/catalogue.ts';
import type { FenceResult, GateResult, PlanResult } from '../../core/contracts/steps/results.ts';
import type { Seen } from '../outcome.ts';

/** How far one step is, over all pairs or on the whole migration. */
export interface StageProgress {
  /** Milliseconds since 1970 when it was first scheduled, and when it was through; null until then. */
  readonly since: number;
  readonly until: number | null;
  /** Numbers of the pairs that are through; empty for a step on the whole migration. */
  readonly done: ReadonlySet<number>;
  /** Of them: those where nothing was left to do. */
  readonly skipped: number;
  /** Milliseconds that each of the others took. */
  readonly took: ReadonlyMap<number, number>;
}

/** How large a pair is: what the ledger knows from the plan. */
export interface PairSize {
  readonly rows: number;
  readonly bytes: number;
}

/** A Task that is on its way, or that waits to be asked or tried again. */
export interface Running {
  readonly state: string;
  /** Number of the pair, or null for a step on the whole migration. */
  readonly pair: number | null;
  /** The pair's name for a person, or null for a step on the whole migration. */
  readonly subject: string | null;
  /** Milliseconds since 1970 when it was first scheduled. */
  readonly since: number;
  /** What holds it up; empty while all is well. */
  readonly note: string;
  /** Why it was not begun when it was last asked, figures left out; null where it was. */
  readonly heldBack: string | null;
  /** How its last attempt failed. */
  readonly failure: NamedError | null;
}

export interface Progress {
  /** What commands to copy have behind `--table T`; see samePlace. */
  readonly place: string;
  readonly plan: PlanResult | null;
  readonly fence: FenceResult | null;
  readonly stages: ReadonlyMap<string, StageProgress>;
  readonly running: ReadonlyMap<string, Running>;
  /** By the number of the pair; what the events tell, for reports without a ledger at hand. */
  readonly pairs: ReadonlyMap<number, MigratedPair>;
  /** By the number of the pair; empty where the ledger is out of reach. */
  readonly sizes: ReadonlyMap<number, PairSize>;
  /** What led to the rollback branch or the pause. */
  readonly failure: NamedError | null;
  /** The rollback branch or the pause has begun: late news of forward steps is no news any more. */
  readonly interrupted: boolean;
  readonly checks: readonly { readonly id: CheckId; readonly passed: boolean }[] | null;
  /** Milliseconds since 1970 from when on the server did not answer; null while it does. */
  readonly silentSince: number | null;
  /** What the gate said last. */
  readonly gate: Pick<GateResult, 'status' | 'reason'> | null;
  /** How many pairs are to be counted now, by the step that asked for it. */
  readonly counting: number;
}

export const NOTHING_YET: Progress = {
  place: '',
  plan: null,
  fence: null,
  stages: new Map(),
  running: new Map(),
  pairs: new Map(),
  sizes: new Map(),
  failure: null,
  interrupted: false,
  checks: null,
  silentSince: null,
  gate: null,
  counting: 0,
};

/** Note of a step that was started and left: nothing holds it up. */
export const RUNS_ON = 'runs on in the server';

export const NOT_BEGUN: Omit<StageProgress, 'since'> = { until: null, done: new Set(), skipped: 0, took: new Map() };

/** Pairs that a Map state goes over. */
export function totalOf(progress: Progress, state: string): number {
  const step = stepOfState(state);
  if (step?.direction === 'rollback') return countOf(progress.fence);
  if (step?.chosen) return progress.counting;
  return countOf(progress.plan);
}

/** An iteration may take several pairs. */
function countOf(result: { readonly pairs: readonly unknown[]; readonly pairCount?: number } | null): number {
  return result?.pairCount ?? result?.pairs.length ?? 0;
}

/** What the events told, for the report. */
export function seenIn(progress: Progress): Seen {
  return {
    planned: progress.plan !== null,
    migrationId: progress.plan?.migrationId ?? null,
    failure: progress.failure,
    verified: progress.checks !== null,
    pairs: [...progress.pairs].toSorted(([a], [b]) => a - b).map(([, pair]) => pair),
  };
}
