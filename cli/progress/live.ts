/**
 * What is drawn below the printed lines on a terminal: the list of steps, with what is done, what runs and what comes;
 * below a step that runs, its pairs. Pure.
 */
import { stepOfState, stepsOf } from '../../core/contracts/steps/catalogue.ts';
import { compact, roughly, runningClock } from '../text.ts';
import { cut, padEnd, padStart, width, wrapped } from '../width.ts';
import { estimateStage } from './estimate.ts';
import { type Progress, type Running, totalOf } from './state.ts';

const FORWARD = stepsOf('forward').map(([, { state }]) => state);
const LABEL_WIDTH = 20;
/** Pairs shown, however many run and however tall the terminal is. */
const MOST_PAIRS = 8;
const MOST_NOTE_LINES = 3;
/** Wider lines are harder to read, and wrap when the window is made narrower. */
const MOST_COLUMNS = 120;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/**
 * @param now milliseconds since 1970
 * @param size of the terminal; no line is wider than one column less, so that none wraps
 */
export function liveFrame(progress: Progress, now: number, size: Size): string[] {
  if (progress.running.size === 0) return [];
  const columns = Math.max(1, Math.min(size.columns - 1, MOST_COLUMNS));
  const running = Map.groupBy(progress.running.values(), (task) => task.state);
  const steps = statesOf(progress);
  // What the list does not have and yet runs: a step of another version of the state machine.
  const others = [...running.keys()].filter((state) => !steps.includes(state));
  const most = Math.max(1, Math.min(MOST_PAIRS, size.rows - steps.length - 6));
  return [...steps, ...others]
    .flatMap((state) => stepLines(progress, state, running.get(state) ?? [], { now, columns, most }))
    .concat(silenceLines(progress, now))
    .map((line) => cut(line, columns));
}

/** Without an answer no estimate is true. */
function silenceLines({ silentSince }: Progress, now: number): string[] {
  return silentSince === null ? [] : [`  ! ${noAnswer(now - silentSince)}`];
}

export function noAnswer(ms: number): string {
  return `no answer from the server for ${Math.round(ms / 1_000)} s`;
}

/** The way that this execution goes, as far as it is known. */
function statesOf(progress: Progress): readonly string[] {
  if (!progress.interrupted)
    return FORWARD.filter((state) => !stepOfState(state)?.chosen || progress.stages.has(state));
  const paused = stepsOf('pause').filter(([, { state }]) => progress.running.has(state));
  if (paused.length > 0) return paused.map(([, { state }]) => state);
  const dropped = progress.fence?.parentForeignKey === 'DROPPED';
  return stepsOf('rollback').flatMap(([, { state, afterDropOnly }]) => (afterDropOnly && !dropped ? [] : [state]));
}

interface Drawing {
  readonly now: number;
  readonly columns: number;
  readonly most: number;
}

function stepLines(progress: Progress, state: string, tasks: readonly Running[], drawing: Drawing): string[] {
  const stage = progress.stages.get(state);
  const label = padEnd(stepOfState(state)?.label ?? state, LABEL_WIDTH);
  if (tasks.length === 0) {
    if (stage?.until == null) return [`    ${stepOfState(state)?.label ?? state}`];
    const count = stage.done.size === 0 ? '' : `${stage.done.size}/${stage.done.size}`;
    return [`  ✓ ${label} ${padEnd(count, 9)} ${runningClock(stage.until - stage.since)}`];
  }
  const [task] = tasks;
  const pairs = tasks.filter(({ subject }) => subject !== null);
  const since = stage?.since ?? Math.min(...tasks.map((each) => each.since));
  if (pairs.length === 0) {
    const bar = moving(drawing.now - since, barCells(drawing.columns));
    return withNote(`  ▸ ${label} ${bar} ${elapsed(since, drawing.now)}`, task?.note ?? '', drawing.columns);
  }
  return [stageLine(progress, state, label, since, drawing), ...pairLines(progress, pairs, drawing)];
}

/** `  ▸ Validation           ████░░░░ 9/17 00:01:42  54.1 M of 123.6 M rows  530 k rows/s  about 2 min left` */
function stageLine(progress: Progress, state: string, label: string, since: number, drawing: Drawing): string {
  const done = progress.stages.get(state)?.done.size ?? 0;
  const total = Math.max(totalOf(progress, state), done);
  const { rowsDone, rowsAll, rowsPerSecond, leftMs } = estimateStage(progress, state, drawing.now);
  // Rows tell more than pairs, whose sizes differ by thousands.
  const share = rowsAll > 0 ? rowsDone / rowsAll : done / Math.max(1, total);
  const head = `  ▸ ${label} ${bar(share, barCells(drawing.columns))} ${done}/${total} ${elapsed(since, drawing.now)}`;
  const details = [
    leftMs === null || progress.silentSince !== null ? '' : `about ${roughly(Math.max(1000, leftMs))} left`,
    rowsAll === 0 ? '' : `${compact(rowsDone)} of ${compact(rowsAll)} rows`,
    rowsPerSecond < 1 ? '' : `${compact(rowsPerSecond)} rows/s`,
  ];
  return details.reduce((line, detail) => {
    const longer = detail === '' ? line : `${line}  ${detail}`;
    return width(longer) <= drawing.columns ? longer : line;
  }, head);
}

/** Those that run longest first: they are what one waits for. */
function pairLines(progress: Progress, pairs: readonly Running[], { now, columns, most }: Drawing): string[] {
  const shown = pairs.toSorted((a, b) => a.since - b.since).slice(0, most);
  const nameWidth = Math.min(LABEL_WIDTH + 12, Math.max(...shown.map((task) => width(task.subject ?? ''))));
  const lines = shown.flatMap((task) => {
    const name = padEnd(cut(task.subject ?? '', nameWidth), nameWidth);
    const rows = rowsOf(progress, task);
    const about = rows === null ? '' : ` ${padStart(`${compact(rows)} rows`, 12)}`;
    return withNote(`      ${name}${about} ${elapsed(task.since, now)}`, task.note, columns);
  });
  return pairs.length > shown.length ? [...lines, `      … and ${pairs.length - shown.length} more`] : lines;
}

function rowsOf(progress: Progress, { pair }: Running): number | null {
  if (pair === null) return null;
  return progress.sizes.get(pair)?.rows ?? progress.pairs.get(pair)?.rows ?? null;
}

/** What holds a step up, on lines of its own where it does not fit: at its end it names who holds the lock. */
function withNote(line: string, note: string, columns: number): string[] {
  if (note === '') return [line];
  const whole = `${line}  ${note}`;
  if (width(whole) <= columns) return [whole];
  return [line, ...wrapped(`        ${note}`, columns, 10).slice(0, MOST_NOTE_LINES)];
}

function elapsed(since: number, now: number): string {
  return padStart(runningClock(now - since), 8);
}

function barCells(columns: number): number {
  return Math.max(4, Math.min(16, columns - 62));
}

function bar(share: number, cells: number): string {
  const full = Math.max(0, Math.min(cells, Math.floor(share * cells)));
  return '█'.repeat(full) + '░'.repeat(cells - full);
}

/** A step of which nobody knows how far it is: this bar only says that work goes on. */
function moving(milliseconds: number, cells: number): string {
  const block = Math.max(1, Math.floor(cells / 4));
  const path = cells - block;
  const step = Math.floor(Math.max(0, milliseconds) / 120) % Math.max(1, 2 * path);
  const at = step <= path ? step : 2 * path - step;
  return '░'.repeat(at) + '█'.repeat(block) + '░'.repeat(cells - at - block);
}
