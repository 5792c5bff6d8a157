/** An audit as a person reads it, and its repair as a script. Pure. */
import { type Audited, counts, isClean } from '../../core/audit/audit.ts';
import type { Drift, RepairOutcome, RepairStep } from '../../core/audit/contracts.ts';
import type { Severity } from '../../core/contracts.ts';
import { clock, oneLine, plural, visible } from '../text.ts';
import { fitted } from './plan.ts';

const MARKS: Readonly<Record<Severity, string>> = { error: '✗', warning: '!', info: '·' };

export interface AuditLinesOptions {
  /** Only the result. */
  readonly quiet: boolean;
  /** Of repairs that ran before. */
  readonly outcomes?: readonly RepairOutcome[];
}

/** @param columns of the terminal; null where it is none: then nothing is wrapped */
export function auditLines(audited: readonly Audited[], columns: number | null, options: AuditLinesOptions): string[] {
  const tables = options.quiet ? [] : audited.flatMap((one) => [...fitted(tableLines(one), columns), '']);
  return [...tables, ...verdict(audited, options.outcomes)];
}

function tableLines({ table, constraint, subject, pairs, drift }: Audited): string[] {
  const target = subject === null ? '' : ` → ${subject.foreignKey.referencedTable}`;
  const known = constraint === null ? 'no ledger' : constraint;
  return [
    `${table}${target} (${known}), ${plural(pairs, 'pair')}`,
    ...(drift.length === 0 ? ['  ✓ no drift'] : drift.flatMap(findingLines)),
  ];
}

function findingLines({ finding }: Drift): string[] {
  return [
    `  ${MARKS[finding.severity]} ${finding.id}: ${oneLine(finding.message)}`,
    `      → ${oneLine(finding.remedy)}`,
  ];
}

function verdict(audited: readonly Audited[], outcomes: readonly RepairOutcome[] | undefined): string[] {
  const failed = outcomes?.filter((outcome) => outcome.status === 'FAILED').length ?? 0;
  const found = audited.flatMap(({ drift }) => drift).filter(counts);
  if (isClean(audited) && failed === 0) {
    const what = audited.length === 0 ? 'no migrated table in this database' : plural(audited.length, 'foreign key');
    return [`✓✓✓ AUDIT PASSED ✓✓✓ ${what}`];
  }
  const hint = found.some(({ steps, needsAcceptance }) => steps.length > 0 && needsAcceptance !== true)
    ? ['  p2pfk audit --fix         prints the SQL that repairs it', '  p2pfk audit --fix --run   runs it, online']
    : [];
  const what = [
    ...(found.length > 0 ? [plural(found.length, 'finding')] : []),
    ...(failed > 0 ? [`${plural(failed, 'repair')} failed`] : []),
  ];
  return [`✗✗✗ DRIFT FOUND: ${what.join(', ')} ✗✗✗`, ...(outcomes === undefined ? hint : [])];
}

/** One line for each repair that was tried. */
export function repairLine({ finding, partition }: Drift, outcome: RepairOutcome): string {
  const where = partition === null ? '' : ` ${partition}`;
  return outcome.error === null
    ? `✓ Repaired ${finding.id}${where} in ${clock(outcome.durationMs)}`
    : `✗ Not repaired: ${finding.id}${where}: ${oneLine(outcome.error)}`;
}

/** Statements that psql runs as they stand, with the lock waits bounded as `--fix --run` bounds them. */
export function repairScript(audited: readonly Audited[], lockTimeoutMs: number): string {
  const comment = (text: string): string => `-- ${visible(oneLine(text))}`;
  const drift = audited.flatMap((one) => one.drift.filter(counts).map((item) => ({ table: one.table, ...item })));
  const blocks = drift.map((item, index) =>
    [
      comment(`${index + 1}/${drift.length} ${item.finding.id}: ${item.finding.message}`),
      ...(item.needsAcceptance
        ? [comment(`needs acceptance, and p2pfk itself: ${item.finding.remedy}`)]
        : item.steps.length === 0
          ? [comment(`needs a person: ${item.finding.remedy}`)]
          : item.steps.flatMap((step) => stepLines(step, lockTimeoutMs))),
    ].join('\n'),
  );
  if (drift.some((item) => !item.needsAcceptance && item.steps.some((step) => step.kind === 'locked')))
    blocks.push(
      [
        comment(
          'The transactions above do not wait for a synchronous standby, because they hold locks. This one does.',
        ),
        "SELECT pg_catalog.pg_logical_emit_message(true, 'p2pfk', '') AS ignored \\gset",
      ].join('\n'),
    );
  const head = [
    '\\set ON_ERROR_STOP on',
    comment(
      `p2pfk audit: ${plural(drift.length, 'finding')}. Run it with psql, outside a transaction; p2pfk audit --fix --run`,
    ),
    comment('does the same, tries locks again that it did not get, and tells the ledger.'),
  ];
  return `${[head.join('\n'), ...blocks].join('\n\n')}\n`;
}

function stepLines(step: RepairStep, lockTimeoutMs: number): string[] {
  const ended = (sql: string): string => `${sql};`;
  switch (step.kind) {
    case 'locked':
      return [
        'BEGIN;',
        // A COMMIT that waits for a synchronous standby would keep the locks meanwhile.
        'SET LOCAL synchronous_commit = local;',
        `SET LOCAL lock_timeout = '${lockTimeoutMs}ms';`,
        ...[...step.locks.map(({ sql }) => sql), ...step.sql].map(ended),
        'COMMIT;',
      ];
    case 'concurrently':
      return ['SET lock_timeout = 0;', ended(step.sql)];
    case 'validate':
      return ["SET lock_timeout = '10s';", ended(step.sql)];
    case 'ledger':
      return [ended(step.sql)];
    case 'adopt':
      return [];
  }
}
