/** What is drawn below the printed lines on a terminal: a bar per stage, a line per running pair. Pure. */
import { cut, padEnd, padStart, runningClock, width } from '../text.ts';
import { type Progress, type Running, totalOf } from './state.ts';

const LABELS: Readonly<Record<string, string>> = {
  Plan: 'Planning',
  BuildIndex: 'Building indexes',
  AddForeignKey: 'Adding FKs',
  ValidateForeignKey: 'Validating FKs',
  VerifyGate: 'Preflight check',
  DropParentForeignKey: 'Dropping parent FK',
  VerifyMigration: 'Verifying',
  Fence: 'Fencing',
  RestoreParentForPair: 'Restoring coverage',
  AttachParent: 'Restoring parent FK',
  DropPairForeignKeys: 'Dropping pair FKs',
  VerifyRolledBack: 'Checking rollback',
  Pause: 'Pausing',
};
const LABEL_WIDTH = 20;
const MOST_PAIRS = 8;

/**
 * @param now milliseconds since 1970
 * @param columns of the terminal; no line is wider than one less, so that none wraps
 */
export function liveFrame(progress: Progress, now: number, columns: number): string[] {
  const byState = Map.groupBy(progress.running.values(), (task) => task.state);
  const lines = [...byState].flatMap(([state, tasks]) => stageLines(progress, state, tasks, now, columns));
  return lines.map((line) => cut(line, Math.max(1, columns - 1)));
}

function stageLines(
  progress: Progress,
  state: string,
  tasks: readonly Running[],
  now: number,
  columns: number,
): string[] {
  const label = padEnd(LABELS[state] ?? state, LABEL_WIDTH);
  const pairs = tasks.filter((task) => task.subject !== null);
  if (pairs.length === 0) return tasks.map((task) => taskLine(label, task, now, columns));

  const done = progress.stages.get(state)?.done.size ?? 0;
  const total = Math.max(totalOf(progress, state), done);
  const since = progress.stages.get(state)?.since ?? Math.min(...pairs.map((task) => task.since));
  const head = `${label} ${bar(total === 0 ? 0 : done / total, barWidth(columns))} ${done}/${total}  ${elapsed(since, now)}`;
  const shown = pairs.toSorted((a, b) => a.since - b.since).slice(0, MOST_PAIRS);
  const nameWidth = Math.min(LABEL_WIDTH + 12, Math.max(...shown.map((task) => width(task.subject ?? ''))));
  return [
    head,
    ...shown.map((task) => taskLine(`  ${padEnd(cut(task.subject ?? '', nameWidth), nameWidth)}`, task, now, columns)),
    ...(pairs.length > shown.length ? [`  … and ${pairs.length - shown.length} more`] : []),
  ];
}

function taskLine(label: string, task: Running, now: number, columns: number): string {
  const note = task.note === '' ? '' : `  ${task.note}`;
  return `${label} ${moving(now - task.since, barWidth(columns))} ${elapsed(task.since, now)}${note}`;
}

function elapsed(since: number, now: number): string {
  return padStart(runningClock(now - since), 8);
}

function barWidth(columns: number): number {
  return Math.max(4, Math.min(16, columns - 54));
}

function bar(share: number, cells: number): string {
  const full = Math.round(share * cells);
  return '█'.repeat(full) + '░'.repeat(cells - full);
}

/** PostgreSQL tells nothing about how far an ALTER TABLE is, so this bar only says that work goes on. */
function moving(milliseconds: number, cells: number): string {
  const block = Math.max(1, Math.floor(cells / 4));
  const path = cells - block;
  const step = Math.floor(Math.max(0, milliseconds) / 120) % Math.max(1, 2 * path);
  const at = step <= path ? step : 2 * path - step;
  return '░'.repeat(at) + '█'.repeat(block) + '░'.repeat(cells - at - block);
}
