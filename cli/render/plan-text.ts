/** A plan as a person reads it, and as SQL. Pure. */

import { acceptFlags } from '../../core/checks/preflight/acceptance.ts';
import type {
  Estimate,
  EventBudget,
  Finding,
  Plan,
  PlanFinding,
  PlanLedger,
  PlannedPair,
  RollbackForecast,
  Severity,
  SnapshotForecast,
  WriteForecast,
} from '../../core/contracts/documents.ts';
import { SPREAD, type Spread } from '../../core/contracts/forecast.ts';
import { grouped, oneLine, plural, roughly, size, visible, withoutSchemaOf } from '../text.ts';
import { wrapped } from '../width.ts';
import { columns } from './columns.ts';

/** More pairs than fit a screen are cut on a terminal only. */
const MOST_PAIRS = 40;
/** Longer lines are hard to read, however wide the terminal is. */
const WIDEST = 110;

export interface PlanLinesOptions {
  /** The options as they were given, `--table` among them, quoted for a shell: the commands at the end repeat them. */
  readonly given: string;
  /** Of the terminal; null where it is none: then nothing is cut or wrapped. */
  readonly columns: number | null;
}

export function planLines(plan: Plan, options: PlanLinesOptions): string[] {
  const toWidth = (lines: readonly string[]): string[] => fitted(lines, options.columns);
  return [
    ...toWidth(heading(plan)),
    '',
    ...pairLines(plan, options.columns !== null),
    ...toWidth(unpairedLines(plan)),
    '',
    ...toWidth(allFindings(plan.findings)),
    '',
    ...toWidth(estimateLines(plan)),
    `Statements   ${plan.statements.length}; all of them, with their locks: p2pfk plan ${options.given} --sql`,
    '',
    ...acceptanceLines(plan),
    verdict(plan, options.given),
  ];
}

/** With `--quiet`: what has to be removed or known first, and whether a migration can run. */
export function quietPlanLines(plan: Plan, { given, columns }: PlanLinesOptions): string[] {
  const findings = [...findingLines(plan.findings, 'error'), ...findingLines(plan.findings, 'warning')];
  return [...fitted(findings, columns), ...acceptanceLines(plan), verdict(plan, given)];
}

/** What `migrate` asks on a terminal, and refuses without these options elsewhere. */
function acceptanceLines({ findings, statements }: Plan): string[] {
  const flags = acceptFlags(findings.filter(needsAcceptance));
  return flags === '' || statements.length === 0 ? [] : [`! Needs acceptance: ${flags}`];
}

/** Wraps under the beginning of the text: behind `Rollback     `, behind `  ✗ `, behind `      → `. */
export function fitted(lines: readonly string[], columns: number | null): string[] {
  if (columns === null) return [...lines];
  return lines.flatMap((line) => {
    const indent = /^(?:\S+ {2,}| *[✗!·→] | *)/u.exec(line)?.[0].length ?? 0;
    return wrapped(line, Math.min(columns, WIDEST) - 1, indent);
  });
}

/** What the demo shows of a plan: no list of pairs, no remedies. */
export function planSummary(plan: Plan, columns: number | null): string[] {
  const toBuild = plan.pairs.filter((pair) => !pair.hasIndex).length;
  const lines = [
    ...heading(plan),
    `Pairs        ${plan.pairs.length}, ${toBuild} without an index on the FK columns; ${plan.unpaired.length} unpaired`,
    ...estimateLines(plan),
    `Statements   ${plan.statements.length}`,
  ];
  return fitted(lines, columns);
}

function heading(plan: Plan): string[] {
  const server = /^\d/.test(plan.serverVersion) ? `PostgreSQL ${plan.serverVersion}` : plan.serverVersion;
  return [
    ...(plan.ledger === undefined ? [] : [`Ledger       ${ledgerState(plan.ledger)}`]),
    ...approvalLine(plan),
    `Table        ${plan.table} → ${plan.referencedTable}`,
    `Constraint   ${plan.constraint}`,
    `Definition   ${oneLine(plan.definition)}`,
    `Server       ${server}`,
  ];
}

/** Where the drop was approved: whether that counts with these options. */
export function approvalLine({ ledger }: Plan): string[] {
  return ledger?.approval === undefined ? [] : [`Approval     ${oneLine(ledger.approval)}`];
}

/** The state of the migration, since when, by whom and why. */
function ledgerState({ state, migrationId, execution, role, since, reason }: PlanLedger): string {
  const why = reason === null ? '' : `; ${oneLine(reason)}`;
  const entry = ` (migration ${migrationId ?? '?'}, opened by role ${visible(role ?? '?')})`;
  switch (state) {
    case 'never-migrated':
      return 'never migrated';
    case 'missing':
      return `missing: there are pair foreign keys that it does not know${why}`;
    case 'unreadable':
      return `not readable${reason === null ? '' : `: ${oneLine(reason)}`}`;
    case 'running':
    case 'rolling-back':
      return `${state === 'running' ? 'running' : 'rolling back'} since ${since}, by ${visible(execution ?? '?')}${entry}${why}`;
    case 'paused':
      return `paused since ${since}${entry}${why}`;
    case 'migrated':
      return `migrated at ${since}${entry}${why}`;
    case 'rolled-back':
      return `rolled back at ${since}${entry}${why}`;
  }
}

function pairLines(plan: Plan, cut: boolean): string[] {
  const shown = cut ? plan.pairs.slice(0, MOST_PAIRS) : plan.pairs;
  const short = (name: string): string => visible(withoutSchemaOf(plan.table, name));
  const table = columns<PlannedPair>(shown, [
    { title: '#', cell: (_, index) => String(index + 1), align: 'right' },
    { title: 'referencing', cell: (pair) => short(pair.referencing) },
    { title: 'referenced', cell: (pair) => short(pair.referenced) },
    { title: 'rows', cell: (pair) => grouped(pair.rows), align: 'right' },
    { title: 'size', cell: (pair) => size(pair.bytes), align: 'right' },
    { title: 'index', cell: (pair) => (pair.hasIndex ? 'there' : 'to build') },
  ]);
  const hidden = plan.pairs.length - shown.length;
  return [
    `${plural(plan.pairs.length, 'pair')}, largest first (rows are the planner's estimates)`,
    ...(shown.length === 0 ? [] : table),
    ...(hidden > 0 ? [`  … and ${hidden} more: pipe into a file or less, or use --json, to see all`] : []),
  ];
}

function unpairedLines(plan: Plan): string[] {
  if (plan.unpaired.length === 0) return [];
  return [
    '',
    `${plural(plan.unpaired.length, 'partition')} without a counterpart`,
    ...plan.unpaired.map(
      ({ partition, side, rows, decision }) =>
        `  ${withoutSchemaOf(plan.table, partition)} (${side}, about ${plural(rows, 'row')}): ${oneLine(decision)}`,
    ),
  ];
}

const SEVERITIES: readonly (readonly [severity: Severity, mark: string, title: string])[] = [
  ['error', '✗', 'Errors'],
  ['warning', '!', 'Warnings'],
  ['info', '·', 'Good to know'],
];

function allFindings(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return ['✓ No findings'];
  return SEVERITIES.flatMap(([severity]) => findingLines(findings, severity));
}

/** The findings of one severity under their title, each with its remedy; nothing where there are none. */
export function findingLines(findings: readonly Finding[], severity: Severity): string[] {
  const [, mark, title] = SEVERITIES.find(([known]) => known === severity) ?? [severity, '·', severity];
  const those = findings.filter((finding) => finding.severity === severity);
  if (those.length === 0) return [];
  return [
    title,
    ...those.flatMap((finding) => [
      `  ${mark} ${finding.id}: ${oneLine(finding.message)}${needsAcceptance(finding) ? ' (needs acceptance)' : ''}`,
      ...(finding.remedy === '' ? [] : [`      → ${oneLine(finding.remedy)}`]),
    ]),
  ];
}

function needsAcceptance(finding: Finding | PlanFinding): boolean {
  return 'needsAcceptance' in finding && finding.needsAcceptance;
}

export function rollbackForecast({ strategy, writesBlockedMs, note, plainMs }: RollbackForecast): string {
  const spread = strategy === 'attach' ? SPREAD.attach : undefined;
  const blocked =
    writesBlockedMs < 1 ? 'writes are not blocked' : `writes blocked for about ${withRange(writesBlockedMs, spread)}`;
  const plain =
    plainMs === undefined ? '' : `; a plain re-add would block them for about ${withRange(plainMs, SPREAD.plain)}`;
  return `Rollback     ${strategy}: ${blocked}${note === '' ? '' : `; ${oneLine(note)}`}${plain}`;
}

/** `44 ms (26 to 59 ms)`; without a range where no measurement has given one. */
function withRange(milliseconds: number, spread: Spread | undefined): string {
  const about = roughly(milliseconds);
  if (spread === undefined) return about;
  const [least, most] = spread.map((share) => roughly(milliseconds * share));
  return `${about} (${least} to ${most})`;
}

export function estimateLines({ estimate, table, referencedTable }: Plan): string[] {
  const { writes } = estimate;
  return [
    `Estimate     ${grouped(estimate.rows)} rows, ${size(estimate.bytes)}: about ${roughly(estimate.seconds * 1000)} in all (rough, as is each time below without a range)`,
    `Execution    ${executionLine(estimate.execution)}`,
    `Drop         exclusive locks for about ${roughly(estimate.dropLockedMs)}; ${waitOfDrop(estimate.dropWaitMs)}`,
    rollbackForecast(estimate.rollback),
    ...costLines(estimate, table),
    ...(writes === undefined ? [] : [`Writes       ${writesLine(writes, table, referencedTable)}`]),
  ];
}

const SNAPSHOT_OF: Readonly<Record<SnapshotForecast['step'], string>> = {
  index: 'index build',
  validate: 'validation',
  count: 'count',
};

/** What it costs others: rows that VACUUM cannot remove meanwhile, and WAL for standbys and archives. */
function costLines({ snapshots, indexWalBytes }: Estimate, table: string): string[] {
  const longest = snapshots.map(({ step, referencing, seconds }) => {
    const most = step === 'index' ? 'at most ' : '';
    return `${SNAPSHOT_OF[step]} ${most}${roughly(seconds * 1_000)} (${visible(withoutSchemaOf(table, referencing))})`;
  });
  const wal = indexWalBytes === undefined ? '' : `; WAL of the indexes about ${size(indexWalBytes)}`;
  if (longest.length === 0) return [];
  return [`Snapshots    VACUUM is held back for about: ${longest.join(', ')}${wal}`];
}

function writesLine(writes: WriteForecast, table: string, referencedTable: string): string {
  const { insertsPerSecond, deletesPerSecond, since, partitionsLocked, partitionsLockedAfter } = writes;
  const rates = `${perSecond(insertsPerSecond)} rows a second inserted into ${table} and ${perSecond(deletesPerSecond)} deleted from ${referencedTable}`;
  const locks = `the first ones of a session lock all ${grouped(partitionsLocked)} partitions, afterwards the ${partitionsLockedAfter} of a pair`;
  return `${rates}, on average since ${since.slice(0, 10)}; ${locks}`;
}

/** Two digits: an average says no more. */
function perSecond(rate: number): string {
  return rate >= 10 ? grouped(Math.round(rate)) : String(Number(rate.toPrecision(rate >= 1 ? 2 : 1)));
}

function waitOfDrop(waitMs: number): string {
  return waitMs > 0
    ? `each try waits up to ${waitMs} ms for them`
    : 'the lock budget leaves no room to wait for them (NOWAIT only)';
}

/** Step Functions ends an execution at its 25,000th event, in AWS and at home. */
function executionLine(budget: EventBudget): string {
  const { iterations, pairsPerIteration, events, approvalEvents, rollbackEvents, limit } = budget;
  const how =
    pairsPerIteration <= 1
      ? 'one iteration a pair'
      : `${plural(iterations, 'iteration')} of up to ${plural(pairsPerIteration, 'pair')}, as one for each would not fit`;
  const approval = approvalEvents === 0 ? '' : `, up to ${grouped(approvalEvents)} for the wait for approval`;
  return `${how}; ${grouped(events)} of ${grouped(limit)} events${approval}, and ${grouped(rollbackEvents)} for a rollback`;
}

function verdict(plan: Plan, given: string): string {
  const errors = plan.findings.filter((finding) => finding.severity === 'error').length;
  if (errors > 0) return `✗ Refused: ${plural(errors, 'error')} to remove first`;
  if (plan.statements.length === 0) return '✓ Already migrated: nothing to do';
  const flags = acceptFlags(plan.findings.filter(needsAcceptance));
  return `✓ Ready: p2pfk migrate ${given}${flags === '' ? '' : ` ${flags}`}`;
}

/**
 * The statements alone, to be read by a DBA. Every line of a comment begins with `--`, whatever line breaks a name holds,
 * so that no name can end a comment and be taken for SQL.
 */
export function statementsAsSql(plan: Plan): string {
  const comment = (text: string): string => `-- ${visible(oneLine(text))}`;
  const total = plan.statements.length;
  const head = [
    comment(
      `p2pfk plan for ${plan.table} → ${plan.referencedTable}, constraint ${plan.constraint}: ${plural(total, 'statement')}`,
    ),
    comment(
      'What is left of a migration that has begun, for reading: a LOCK TABLE and the statement below it run in one',
    ),
    comment(
      'transaction. p2pfk migrate goes on with it, and so do the psql scripts of sql/; p2pfk rollback goes back.',
    ),
  ];
  const blocks = plan.statements.map(({ step, lock, sql }, index) =>
    [
      comment(`${index + 1}/${total} ${step}`),
      comment(`lock: ${lock}`),
      /;\s*$/.test(sql) ? sql.trimEnd() : `${sql.trimEnd()};`,
    ].join('\n'),
  );
  return `${[head.join('\n'), ...blocks].join('\n\n')}\n`;
}
