/** How much of a stage is done, how fast, and how long the rest will take. Pure. */
import { stepOfState } from '../../core/contracts/steps/catalogue.ts';
import { type Progress, RUNS_ON, type Running, totalOf } from './state.ts';

export interface StageEstimate {
  /** Rows of the pairs that are through, and of all. Zero where nobody knows. */
  readonly rowsDone: number;
  readonly rowsAll: number;
  /** Rows a second since the stage began; zero until a pair is through. */
  readonly rowsPerSecond: number;
  /** Milliseconds until the stage is through; null as long as that would be a guess. */
  readonly leftMs: number | null;
}

/** A pair that runs is never counted as through: PostgreSQL does not tell how far an ALTER TABLE is. */
const MOST_OF_A_PAIR = 0.95;

/**
 * Time is taken to grow with bytes: what the finished pairs took for theirs tells what the rest will take, with as many
 * pairs side by side as the migration allows. Where sizes are not at hand, rows stand in for bytes.
 */
export function estimateStage(progress: Progress, state: string, now: number): StageEstimate {
  const stage = progress.stages.get(state);
  const numbers = numbersOf(progress, state);
  const rowsOf = (pair: number) => progress.sizes.get(pair)?.rows ?? progress.pairs.get(pair)?.rows ?? 0;
  const weightOf = (pair: number) => progress.sizes.get(pair)?.bytes ?? rowsOf(pair);
  const sum = (pairs: Iterable<number>, of: (pair: number) => number) =>
    [...pairs].reduce((total, pair) => total + of(pair), 0);

  const rowsAll = sum(numbers, rowsOf);
  if (stage === undefined) return { rowsDone: 0, rowsAll, rowsPerSecond: 0, leftMs: null };
  const rowsDone = sum(stage.done, rowsOf);
  const elapsedMs = Math.max(1, (stage.until ?? now) - stage.since);
  const rowsPerSecond = (sum(stage.took.keys(), rowsOf) / elapsedMs) * 1000;

  const worked = sum(stage.took.values(), (ms) => ms);
  const left = numbers.filter((pair) => !stage.done.has(pair));
  const running = runningIn(progress, state);
  // What waits for somebody else ends when that one ends.
  const waits = running.size > 0 && [...running.values()].every(({ note }) => note !== '' && note !== RUNS_ON);
  if (worked <= 0 || left.length === 0 || waits) return { rowsDone, rowsAll, rowsPerSecond, leftMs: null };
  // Weight that one worker gets through in a millisecond. A pair weighs something even when it is empty.
  const pace = sum(stage.took.keys(), (pair) => weightOf(pair) + 1) / worked;
  const restOf = (pair: number): number => {
    const weight = weightOf(pair) + 1;
    const since = running.get(pair)?.since;
    return since === undefined ? weight : weight - Math.min(weight * MOST_OF_A_PAIR, Math.max(0, now - since) * pace);
  };
  const rests = left.map(restOf);
  const workers = Math.max(1, Math.min(progress.plan?.maxConcurrency ?? 1, left.length));
  const inTurn = rests.reduce((total, rest) => total + rest, 0) / (pace * workers);
  // However many work, the largest one takes its time.
  const longest = Math.max(...rests) / pace;
  return { rowsDone, rowsAll, rowsPerSecond, leftMs: Math.max(inTurn, longest) };
}

function numbersOf(progress: Progress, state: string): number[] {
  const items = stepOfState(state)?.direction === 'rollback' ? progress.fence?.pairs : progress.plan?.pairs;
  return items?.map(({ pair }) => pair) ?? Array.from({ length: totalOf(progress, state) }, (_, index) => index + 1);
}

function runningIn(progress: Progress, state: string): ReadonlyMap<number, Running> {
  const tasks = [...progress.running.values()].filter((task) => task.state === state && task.pair !== null);
  return new Map(tasks.map((task) => [task.pair ?? 0, task]));
}
