/**
 * The progress of one execution as a pure function of its events: `advance` takes what is known and one event, and
 * returns what is known now and the lines that a person reads. No terminal, no clock, no colour.
 */
import type * as z from 'zod';
import type { MigratedPair } from '../../core/contracts/documents.ts';
import { pairStepOfState, Steps, stepsOf } from '../../core/contracts/steps/catalogue.ts';
import { ROLLBACK_REQUESTED } from '../../core/contracts/steps/events.ts';
import {
  AttachResult,
  DropPairsResult,
  DropResult,
  FenceResult,
  GateResult,
  PairResult,
  type PairsToCount,
  PlanResult,
  RolledBackResult,
  VerifyMigrationResult,
} from '../../core/contracts/steps/results.ts';
import { isRecord } from '../../core/history/json.ts';
import { timeOfDay } from '../text.ts';
import { inWords, type ProgressEvent, readError, stringOf } from './events.ts';
import * as say from './lines.ts';
import { NOT_BEGUN, type Progress, RUNS_ON, type Running, type StageProgress, totalOf } from './state.ts';

export interface Advanced {
  readonly progress: Progress;
  readonly lines: readonly string[];
}

/** States of the rollback branch and of the pause: what comes after the forward path was interrupted. */
const ROLLBACK_STATES = new Set([...stepsOf('rollback'), ...stepsOf('pause')].map(([, { state }]) => state));

/** The same step is to be asked again. */
const UNFINISHED = new Set(['COUNTING', 'RUNNING', 'AWAITING_APPROVAL', 'HELD']);

export function advance(progress: Progress, event: ProgressEvent): Advanced {
  const state = event.state ?? '';
  if (progress.interrupted && state !== '' && !ROLLBACK_STATES.has(state)) return same(progress);
  switch (event.type) {
    case 'TaskScheduled':
      return scheduled(progress, state, event);
    case 'TaskFailed':
      return attemptFailed(progress, state, event);
    case 'TaskRetrying':
      return retrying(progress, state, event);
    case 'TaskSucceeded':
      return succeeded(progress, state, event);
    case 'ExecutionSucceeded':
    case 'ExecutionFailed':
    case 'ExecutionAborted':
      return same({ ...progress, running: new Map() });
    default:
      return same(progress);
  }
}

function same(progress: Progress): Advanced {
  return { progress, lines: [] };
}

function keyOf(state: string, input: unknown): string {
  return isRecord(input) && typeof input.pair === 'number' ? `${state}#${input.pair}` : state;
}

function subjectOf(progress: Progress, input: unknown): string | null {
  const referencing = isRecord(input) ? stringOf(input.referencing) : '';
  return referencing === '' ? null : say.shortName(progress.plan?.table ?? '', referencing);
}

function begin(progress: Progress, state: string, event: ProgressEvent): Running {
  return {
    state,
    pair: isRecord(event.input) && typeof event.input.pair === 'number' ? event.input.pair : null,
    subject: subjectOf(progress, event.input),
    since: event.at,
    note: '',
    heldBack: null,
    failure: null,
  };
}

function withRunning(progress: Progress, key: string, task: Running | null): Progress {
  const running = new Map(progress.running);
  if (task === null) running.delete(key);
  else running.set(key, task);
  return { ...progress, running };
}

function stageBegun(progress: Progress, state: string, event: ProgressEvent): Progress {
  if (progress.stages.has(state)) return progress;
  return withStage(progress, state, { ...NOT_BEGUN, since: event.at });
}

function withStage(progress: Progress, state: string, stage: StageProgress): Progress {
  return { ...progress, stages: new Map([...progress.stages, [state, stage]]) };
}

/** A step on the whole migration is through. */
function stageEnded(progress: Progress, state: string, event: ProgressEvent): Progress {
  const stage = progress.stages.get(state) ?? { ...NOT_BEGUN, since: event.at };
  return withStage(progress, state, { ...stage, until: event.at });
}

function scheduled(progress: Progress, state: string, event: ProgressEvent): Advanced {
  const key = keyOf(state, event.input);
  const known = progress.running.get(key);
  // What is asked or tried again keeps its clock. What was held back may be begun now, and takes its time then.
  if (known !== undefined)
    return same(known.heldBack === null ? progress : withRunning(progress, key, { ...known, note: '' }));

  const first = (state === 'Fence' || state === 'Pause') && !progress.interrupted;
  const before = first ? { ...progress, interrupted: true, running: new Map<string, Running>() } : progress;
  const next = stageBegun(withRunning(before, key, begin(progress, state, event)), state, event);
  if (!first) return same(next);

  const caught = isRecord(event.input) && isRecord(event.input.error) ? event.input.error : null;
  if (caught === null || caught.Error === ROLLBACK_REQUESTED) return same(next);
  const failure = readError(stringOf(caught.Error), stringOf(caught.Cause));
  const lines = state === 'Fence' ? say.failed(failure) : say.pausing(failure, progress.gate?.status === 'REHEARSED');
  return { progress: { ...next, failure }, lines };
}

/** Nothing is said yet: it either is tried again or leads to Fence, Pause or Refused, which bring the error along. */
function attemptFailed(progress: Progress, state: string, event: ProgressEvent): Advanced {
  const key = keyOf(state, event.input);
  const failure = inWords(event.failure ?? null);
  const task = progress.running.get(key) ?? begin(progress, state, event);
  const note = say.failedTry(state, event.attempt ?? 1, failure);
  return same(withRunning(progress, key, { ...task, note, failure }));
}

function retrying(progress: Progress, state: string, event: ProgressEvent): Advanced {
  const key = keyOf(state, event.input);
  const task = progress.running.get(key) ?? begin(progress, state, event);
  const attempt = event.attempt ?? 2;
  const failure = inWords(task.failure);
  // Up to 40 tries a pair: the 1st, 2nd, 4th, 8th ... failure tell enough.
  const told = Number.isInteger(Math.log2(Math.max(1, attempt - 1)));
  return {
    progress: withRunning(progress, key, { ...task, note: say.nextTry(state, attempt, failure) }),
    lines: told ? say.retrying(state, task.subject, attempt, failure) : [],
  };
}

function succeeded(progress: Progress, state: string, event: ProgressEvent): Advanced {
  const output = event.output;
  const pair = pairStepOfState(state) && PairResult.safeParse(output).data;
  if (pair) {
    return pair.batch === undefined
      ? pairDone(progress, state, event, pair)
      : batchDone(progress, state, event, pair, pair.batch);
  }
  if (!isRecord(output)) return same(withRunning(progress, keyOf(state, event.input), null));
  const counting = UNFINISHED.has(stringOf(output.status));
  const next = counting ? progress : stageEnded(withRunning(progress, keyOf(state, event.input), null), state, event);
  const read = READ[state];
  return read ? read(next, output, event) : same(next);
}

/** What the result of a step on the whole migration says; a result of another shape, by another edition, says nothing. */
const READ: Readonly<Record<string, (progress: Progress, output: unknown, event: ProgressEvent) => Advanced>> = {
  [Steps.plan.state]: reader(PlanResult, (progress, plan) => ({
    progress: { ...progress, plan },
    lines: say.planned(plan),
  })),
  [Steps['verify-gate'].state]: reader(GateResult, gateAnswered),
  [Steps['drop-parent-foreign-key'].state]: reader(DropResult, (progress, { status, constraint, lockedMs }) => ({
    progress,
    lines: say.dropped(status, constraint, lockedMs),
  })),
  [Steps['verify-migration'].state]: reader(VerifyMigrationResult, (progress, { status, checks, count }) => {
    if (status === 'COUNTING') return same(toCount(progress, count));
    // On success the closing words print the checks, with their details from the ledger.
    return { progress: { ...progress, checks }, lines: status === 'FAILED' ? say.checksInShort(checks) : [] };
  }),
  [Steps.fence.state]: reader(FenceResult, (progress, fence) => ({
    progress: { ...progress, fence },
    lines: say.fenced(fence),
  })),
  [Steps['attach-parent'].state]: reader(AttachResult, (progress, result) => {
    if (result.status === 'RUNNING') return same(progress);
    return { progress, lines: say.attached(result.object || (progress.plan?.constraint ?? ''), { ...result }) };
  }),
  [Steps['drop-pair-foreign-keys'].state]: reader(DropPairsResult, (progress, dropped) => ({
    progress,
    lines: say.pairsDropped(dropped.foreignKeys, dropped.indexes, dropped.keptIndexes),
  })),
  [Steps['verify-rolled-back'].state]: reader(RolledBackResult, (progress, { constraint, definition }) => ({
    progress,
    lines: say.rolledBack(progress.plan?.table ?? '', constraint, definition),
  })),
};

function reader<Result extends z.ZodType>(
  schema: Result,
  read: (progress: Progress, result: z.infer<Result>, event: ProgressEvent) => Advanced,
): (progress: Progress, output: unknown, event: ProgressEvent) => Advanced {
  return (progress, output, event) => {
    const parsed = schema.safeParse(output);
    return parsed.success ? read(progress, parsed.data, event) : same(progress);
  };
}

function gateAnswered(progress: Progress, gate: GateResult, event: ProgressEvent): Advanced {
  const key = keyOf(Steps['verify-gate'].state, event.input);
  const task = progress.running.get(key);
  const { status, reason } = gate;
  const note = status === 'AWAITING_APPROVAL' ? 'waits for approval' : status === 'HELD' ? reason : undefined;
  const next = note !== undefined && task !== undefined ? withRunning(progress, key, { ...task, note }) : progress;
  return {
    progress: { ...(status === 'COUNTING' ? toCount(next, gate.count) : next), gate: { status, reason } },
    lines: say.gate(gate, progress.gate?.status ?? '', progress.plan?.table ?? '', progress.place),
  };
}

/** Pairs are counted next: some for the second time, where proofs grew old before an approval, or after the drop. */
function toCount(progress: Progress, count: PairsToCount | undefined): Progress {
  const stages = new Map(progress.stages);
  stages.delete(Steps['count-orphans'].state);
  return { ...progress, stages, counting: count?.pairCount ?? 0 };
}

/** How far an index build is that runs on in the server: it is not held back. */
function isBuild(note: string): boolean {
  return note.startsWith('index build: ');
}

/** Not begun: told with the first pair that is held back for this reason, and again when all went on in between. */
function heldBack(
  progress: Progress,
  key: string,
  event: ProgressEvent,
  state: string,
  { note: reason, waitSeconds }: { readonly note: string; readonly waitSeconds: number },
): Advanced {
  const known = progress.running.get(key) ?? begin(progress, state, event);
  const at = event.at + waitSeconds * 1_000;
  // The figures change from one look to the next, the reason does not.
  const kind = reason.replace(/\d+(?:\.\d+)?/g, '#');
  const told = [...progress.running.values()].some((task) => task.heldBack === kind);
  return {
    progress: withRunning(progress, key, {
      ...known,
      note: `held back, looks again at ${timeOfDay(at)}: ${reason}`,
      heldBack: kind,
    }),
    lines: told ? [] : say.heldBack(reason, { at, table: progress.plan?.table ?? '', place: progress.place }),
  };
}

function pairDone(progress: Progress, state: string, event: ProgressEvent, result: PairResult): Advanced {
  const key = `${state}#${result.pair}`;
  if (result.status === 'RUNNING') {
    const { note, waitSeconds } = result;
    if (note && !isBuild(note)) return heldBack(progress, key, event, state, { note, waitSeconds });
    const known = progress.running.get(key);
    const task = { note: RUNS_ON, heldBack: null };
    return same(known === undefined ? progress : withRunning(progress, key, { ...known, ...task }));
  }

  const before = progress.stages.get(state) ?? { ...NOT_BEGUN, since: event.at };
  if (before.done.has(result.pair)) return same(withRunning(progress, key, null));
  const done = new Set([...before.done, result.pair]);
  const total = totalOf(progress, state) || result.of;
  const skipped = result.status === 'SKIPPED';
  const stage: StageProgress = {
    since: before.since,
    until: done.size === total ? event.at : null,
    done,
    skipped: before.skipped + (skipped ? 1 : 0),
    took: skipped ? before.took : new Map([...before.took, [result.pair, result.durationMs]]),
  };
  const next: Progress = {
    ...withStage(withRunning(progress, key, null), state, stage),
    pairs: new Map([...progress.pairs, [result.pair, pairAfter(progress.pairs.get(result.pair), state, result)]]),
  };
  const lines = [...say.pairDone(state, stage.done.size, total, result)];
  if (stage.done.size === total) lines.push(...say.stageDone(state, total, stage.skipped, result.object));
  return { progress: next, lines };
}

/** An iteration that takes many pairs tells those of its last call; at its end all others of the run were through before. */
function batchDone(
  progress: Progress,
  state: string,
  event: ProgressEvent,
  { pair: first, last = first, status, of, note, waitSeconds }: PairResult,
  batch: readonly PairResult[],
): Advanced {
  const lines: string[] = [];
  let next = progress;
  for (const result of batch) {
    const advanced = pairDone(next, state, event, result);
    lines.push(...advanced.lines);
    next = advanced.progress;
  }
  const key = keyOf(state, event.input);
  if (status === 'RUNNING') {
    if (note && !isBuild(note)) {
      const held = heldBack(next, key, event, state, { note, waitSeconds });
      return { progress: held.progress, lines: [...lines, ...held.lines] };
    }
    return { progress: withRunning(next, key, progress.running.get(key) ?? begin(next, state, event)), lines };
  }
  const before = next.stages.get(state) ?? { ...NOT_BEGUN, since: event.at };
  const unsaid = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
    (pair) => !before.done.has(pair),
  );
  const done = new Set([...before.done, ...unsaid]);
  const total = totalOf(progress, state) || of;
  const until = done.size === total ? event.at : null;
  const stage: StageProgress = { ...before, done, until, skipped: before.skipped + unsaid.length };
  if (unsaid.length > 0 && done.size === total) lines.push(...say.stageDone(state, total, stage.skipped));
  return { progress: withStage(withRunning(next, key, null), state, stage), lines };
}

function pairAfter(known: MigratedPair | undefined, state: string, result: PairResult): MigratedPair {
  return {
    referencing: result.referencing,
    referenced: result.referenced,
    state: pairStepOfState(state)?.perPair.pairState ?? known?.state ?? 'planned',
    rows: result.rows,
    validateMs: state === Steps['validate-foreign-key'].state ? result.durationMs : (known?.validateMs ?? 0),
    lockWaitMs: (known?.lockWaitMs ?? 0) + result.lockWaitMs,
  };
}
