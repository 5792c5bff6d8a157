/** An audit as a person reads it. Pure. */

import type { Severity } from '../../core/contracts/documents.ts';
import type { Drift, RepairOutcome } from '../../core/drift/drift.ts';
import { type Audited, counts, isClean } from '../../core/drift/find-drift.ts';
import { clock, oneLine, plural } from '../text.ts';
import { fitted } from './plan-text.ts';

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
