/** The last words of an execution: checks, banner, and what to do next. */
import { blockedInWords, overBudget } from '../../core/contracts/blocked.ts';
import type { MigrationReport } from '../../core/contracts/documents.ts';
import { ROLLBACK_FINISHED } from '../outcome.ts';
import { clock, oneLine, sentence, shellWord } from '../text.ts';
import {
  approveCommand,
  checksFolded,
  checksInFull,
  checksInShort,
  inPlainWords,
  withoutApproveHint,
} from './lines.ts';
import type { Progress } from './state.ts';

/** Lines of what is not as it should be, after a migration; `verify` shows all. */
const INVENTORY_LINES = 20;

export interface ClosingContext {
  readonly operation: 'migrate' | 'rollback';
  readonly table: string;
  readonly progress: Progress;
  /** The command that undoes it; `p2pfk rollback --table ...` where absent. */
  readonly undo?: string;
  /** Milliseconds of the lock budget; absent where it is not known, or where the plan has announced more. */
  readonly lockBudgetMs?: number | undefined;
  /** With a line for each pair. */
  readonly verbose?: boolean | undefined;
}

export function closingLines(report: MigrationReport, context: ClosingContext): string[] {
  const because = report.error === null ? [] : [`${report.error.name}: ${inPlainWords(report.error.message)}`];
  const took = [`Took ${clock(report.durationMs)}`, ...blockedLines(report).map(lower)].join('; ');
  const late = lateLines(report, context);
  const here = `--table ${shellWord(context.table)}${context.progress.place}`;
  const undo = context.undo ?? `p2pfk rollback ${here}`;
  switch (report.status) {
    case 'MIGRATED':
      return [...checkLines(report, context), '', '✓✓✓ MIGRATION SUCCESSFUL ✓✓✓', took, ...late];
    case 'ALREADY_MIGRATED':
      return [
        '✓ Already migrated: the partition-level FKs hold and there is no parent-level FK; nothing to do',
        ...noteLines(report),
      ];
    case 'DRY_RUN':
      return ['✓ Dry run: preflight passed and nothing was changed'];
    case 'DUPLICATE':
      return [
        '✓ Nothing done: another execution has worked on this opening of the maintenance window',
        ...noteLines(report),
      ];
    case 'ROLLED_BACK':
      if (context.operation === 'rollback') {
        if (context.progress.fence === null)
          return ['✓ Nothing to roll back: the parent-level FK is in place', ...noteLines(report)];
        return ['', '✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓', restored(context.progress), took, ...late];
      }
      if (report.error?.name === ROLLBACK_FINISHED)
        return ['', '✓✓✓ EARLIER ROLLBACK FINISHED ✓✓✓', restored(context.progress), sentence(report.error.message)];
      return [
        '',
        '✗✗✗ MIGRATION ROLLED BACK ✗✗✗',
        ...because,
        restored(context.progress),
        ...blockedLines(report),
        ...late,
        'The same command tries again once the cause is removed.',
      ];
    case 'ROLLBACK_FAILED':
      return [
        '',
        '✗✗✗ ROLLBACK FAILED - A PERSON IS NEEDED ✗✗✗',
        ...because,
        ...blockedLines(report),
        ...late,
        'The partition-level FKs that were added are left in place. Once the cause is removed:',
        `  ${undo}`,
      ];
    case 'PAUSED': {
      if (report.error?.name === 'Superseded') return supersededLines(report, context);
      const [why = '', ...next] = pausedLines(report, context, because);
      return ['', pausedBanner(report), why, ...blockedLines(report), ...late, ...next, `  ${undo}`];
    }
    case 'REFUSED': {
      if (report.error?.name !== 'PreflightFailed') return ['', '✗✗✗ REFUSED - NOTHING WAS CHANGED ✗✗✗', ...because];
      return [
        '',
        '✗✗✗ REFUSED - NOTHING WAS CHANGED ✗✗✗',
        ...findingsApart(because),
        'Every finding, and what to do about it:',
        `  p2pfk plan ${here}`,
      ];
    }
  }
}

/** A finding a line, where several have refused. A name in one that looks like a border between two makes a line more, no less. */
function findingsApart(because: readonly string[]): string[] {
  return because.flatMap((line) => {
    const [first = '', ...findings] = line.split(/(?:(?<=: )| \| )(?=\[[a-z0-9-]+\] )/);
    if (findings.length === 0) return [line];
    const [last = '', accept] = (findings.at(-1) ?? '').split(/; (?=accept with --accept )/);
    const lines = [...findings.slice(0, -1), last].map((finding) => `  ✗ ${finding}`);
    return [first.trimEnd(), ...lines, ...(accept === undefined ? [] : [sentence(accept)])];
  });
}

/** Of all tries for locks, also those that failed. */
function blockedLines({ blocked }: MigrationReport): string[] {
  if (!blocked || blocked.tries === 0) return [];
  return [`Blocked others for ${blockedInWords(blocked)}`];
}

/** The totals say how long the longest one took; the report counts those that were too long. */
function lateLines({ blocked }: MigrationReport, { lockBudgetMs, progress }: ClosingContext): string[] {
  if (!blocked || lockBudgetMs === undefined || progress.fence?.parentForeignKey === 'DROPPED') return [];
  const line = overBudget([blocked.longestMs], lockBudgetMs);
  return line === null ? [] : [`! ${line.replace(/^One try/, 'The longest try')}`];
}

function lower(line: string): string {
  return line.charAt(0).toLowerCase() + line.slice(1);
}

function noteLines({ note }: MigrationReport): string[] {
  return note === undefined ? [] : [`! ${oneLine(note)}`];
}

/** Nothing to do here: whoever has taken over goes on. */
function supersededLines({ error }: MigrationReport, { table }: ClosingContext): string[] {
  return [
    '',
    '‖‖‖ ANOTHER EXECUTION HAS TAKEN OVER ‖‖‖',
    sentence(oneLine(error?.message ?? '')),
    'This one has stopped and undone nothing; what it did stays done. How far the other one is:',
    `  p2pfk status --table ${shellWord(table)}`,
  ];
}

function pausedBanner({ error }: MigrationReport): string {
  if (error?.name === 'ChecksPending') return '‖‖‖ DROPPED, CHECKS STILL TO BE RUN ‖‖‖';
  return error?.name === 'RollbackInterrupted' ? '‖‖‖ ROLLBACK INTERRUPTED ‖‖‖' : '‖‖‖ MIGRATION PAUSED ‖‖‖';
}

/** Why, and what goes on from here; the command that undoes it comes after. */
function pausedLines(
  { error }: MigrationReport,
  { table, progress }: ClosingContext,
  because: readonly string[],
): string[] {
  const message = error?.message ?? '';
  if (progress.gate?.status === 'REHEARSED') {
    return [
      sentence(message),
      'What is done stays done. The same command without --rehearse goes on from here; this undoes it:',
    ];
  }
  if (progress.gate?.status === 'APPROVAL_TIMED_OUT') {
    return [
      `${error?.name}: ${withoutApproveHint(message)}`,
      'What is done stays done. Once this has approved it, the same command as before goes on from here:',
      `  ${approveCommand(table, progress.place)}`,
      'This undoes it:',
    ];
  }
  if (error?.name === 'ChecksPending')
    return [
      sentence(oneLine(message)),
      'The partition-level FKs guard every row. In AWS the checks are run soon by themselves, at home by the same command; this undoes it all:',
    ];
  if (error?.name === 'RollbackInterrupted')
    return [...because, 'Every row is guarded by the parent-level or the partition-level FKs. This goes on with it:'];
  return [...because, 'What is done stays done. The same command goes on from here; this undoes it:'];
}

function checkLines(report: MigrationReport, { progress, verbose }: ClosingContext): string[] {
  if (report.verification !== null) {
    const { checks } = report.verification;
    return verbose === true ? checksInFull(checks) : checksFolded(checks, INVENTORY_LINES);
  }
  return progress.checks === null ? [] : checksInShort(progress.checks);
}

/** What VerifyRolledBack has compared, and what it could not restore where the parent FK had been dropped. */
function restored({ fence }: Progress): string {
  const compared = 'The parent-level FK has its name, definition, comment and triggers as before.';
  return fence?.parentForeignKey === 'DROPPED'
    ? `${compared} Its children on the leaves have their names; PostgreSQL chose the names of the others, and comments on children are not restored.`
    : compared;
}
