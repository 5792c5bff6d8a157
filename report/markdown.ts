/** The report as Markdown, for a ticket or a pull request. */
import type { Bar, Report } from './contracts.ts';
import { took } from './html/executions.ts';
import { STAGE_ORDER, STATUS, stageLabel } from './html/words.ts';
import { code, text } from './markdown-text.ts';
import { shortNameIn } from './report.ts';
import {
  AS_STATED,
  acceptedBy,
  bytes,
  CATALOG,
  comparison,
  count,
  duration,
  instant,
  placeOf,
  plural,
  short,
} from './words.ts';

export function toMarkdown(report: Report): string {
  const { subject, status, summary } = report;
  const to = subject.referencedTable === null ? '' : ` → ${subject.referencedTable}`;
  const parts = [
    [`# ${STATUS[status].word}: ${text(subject.table + to)}`, text(summary)],
    facts(report),
    report.notes.length === 0 ? [] : report.notes.map((note) => `> ${text(note)}`),
    executions(report),
    states(report),
    pairs(report),
    proof(report),
    statements(report),
    errors(report),
    findings(report),
    ['## Verify it again', ...report.verifyAgain.map(({ command, purpose }) => `- ${text(purpose)}: ${code(command)}`)],
    [`${text(report.generator)}, ${instant(report.generatedAt)}`],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map(block)
    .join('\n\n')}\n`;
}

/** A heading stands alone; rows of a table and items of a list stand together. */
function block(lines: readonly string[]): string {
  return lines
    .map((line, index) =>
      index === 0 ? line : /^[|\->]/.test(line) && /^[|\->]/.test(lines[index - 1] ?? '') ? `\n${line}` : `\n\n${line}`,
    )
    .join('');
}

function facts({ workedOn, database, subject, people, execution, reviewedPlan }: Report): string[] {
  return table(
    ['', ''],
    [
      [
        'Database',
        [
          workedOn === null ? '' : text(placeOf(workedOn)),
          database === null ? 'not read' : `${code(database.target)}, PostgreSQL ${text(database.serverVersion)}`,
        ]
          .filter((part) => part !== '')
          .join('; '),
      ],
      ['Foreign key', subject.constraint === null ? '' : code(subject.constraint)],
      ['As it was', subject.definition === null ? '' : code(subject.definition)],
      ['Started by', stated(people.startedBy, people.reason)],
      ['By', people.role === null ? '' : `role ${code(people.role)}`],
      ['Approved by', approved(people)],
      ['Approval withdrawn', withdrawn(people)],
      ['Plan', reviewed(reviewedPlan)],
      ['Began', instant(execution.startedAt)],
      ['Ended', execution.stoppedAt === null ? 'not yet' : instant(execution.stoppedAt)],
      ['Took', duration(execution.durationMs)],
      ['Execution', code(execution.arn)],
    ].filter(([, value]) => value !== ''),
  );
}

function reviewed(plan: Report['reviewedPlan']): string {
  if (plan === null) return '';
  const when = plan.madeAt === null ? '' : `, made on ${instant(plan.madeAt)}`;
  const who = plan.madeBy === null ? '' : ` by ${stated(plan.madeBy, null)}`;
  const named = plan.proven ? `, which names that ${CATALOG}` : ` (${AS_STATED})`;
  const document = plan.hash === null ? '' : `; plan ${code(plan.hash)}${named}${when}${who}`;
  return `${CATALOG} ${code(plan.catalogHash)}, ${comparison(plan)}${document}`;
}

function stated(person: string | null, reason: string | null): string {
  if (person === null) return reason === null ? '' : text(reason);
  return `${code(person)} (${AS_STATED})${reason === null ? '' : `: ${text(reason)}`}`;
}

function approved({ approvedBy, approvedLogin, approvalReason }: Report['people']): string {
  if (approvedBy === null) return '';
  const login = approvedLogin === null ? '' : `, login ${code(approvedLogin)}`;
  return stated(approvedBy, approvalReason) + login;
}

function withdrawn({ withdrawn: one }: Report['people']): string {
  if (one === null) return '';
  const who = [instant(one.at), stated(one.by, one.reason)].filter((part) => part !== '').join(' ');
  return one.login === null ? who : `${who}, login ${code(one.login)}`;
}

function executions({ executions: all }: Report): string[] {
  if (all.length < 2) return [];
  const rows = all.map((one, index) => [
    String(index + 1),
    `${code(one.arn)}${one.isThis ? ' **this report**' : ''}${one.operation === 'rollback' ? ' rollback' : ''}`,
    instant(one.startedAt),
    took(one),
    one.outcome === null ? 'history not kept' : text(one.outcome),
    one.startedBy === null ? 'not stated' : code(one.startedBy),
    text(one.reason ?? ''),
    one.login === null ? '' : code(one.login),
    count(one.statements),
  ]);
  const head = [
    '#',
    'execution',
    'began',
    'took',
    'ended as',
    `started by (${AS_STATED})`,
    'reason',
    'login',
    'statements',
  ];
  return ['## All executions of this migration', ...table(head, rows)];
}

function states({ states: all, steps }: Report): string[] {
  const took = new Map(steps.map((bar) => [bar.state, bar]));
  const rows = all
    .filter((state) => state.outcome !== 'not-entered' && state.parent === null)
    .map((state) => [
      text(state.name),
      state.outcome,
      spent(took.get(state.name)),
      state.failures === 0 ? '' : String(state.failures),
    ]);
  return ['## The state machine, as executed', ...table(['state', 'outcome', 'took', 'failed tries'], rows)];
}

function spent(bar: Bar | undefined): string {
  return bar === undefined ? '' : duration(bar.durationMs);
}

function pairs(report: Report): string[] {
  if (report.pairs.length === 0) return [];
  const stages = STAGE_ORDER.filter((stage) => report.pairs.some((pair) => pair.bars[stage] !== undefined));
  const head = [
    '#',
    'referencing',
    'referenced',
    'rows',
    'size',
    ...stages.map((stage) => stageLabel(stage)),
    'lock wait',
    'retries',
    'state',
  ];
  const rows = report.pairs.map((pair) => [
    String(pair.pair),
    code(shortNameIn(report, pair.referencing)),
    code(shortNameIn(report, pair.referenced)),
    count(pair.rows),
    pair.bytes === null ? '' : bytes(pair.bytes),
    ...stages.map((stage) => spent(pair.bars[stage])),
    pair.lockWaitMs === 0 ? '' : duration(pair.lockWaitMs),
    pair.retries === 0 ? '' : String(pair.retries),
    pair.state,
  ]);
  return ['## Pairs of partitions', ...table(head, rows)];
}

function proof({ comparison, checks, rehearsal }: Report): string[] {
  const compared = comparison.map(({ what, before, after }) => [text(what), text(before), text(after)]);
  const lines = [
    ...(compared.length === 0 ? [] : table(['measured', 'before', 'after'], compared)),
    ...(checks.length === 0 ? [] : ['### The six checks, after the drop', ...checkTable(checks)]),
    ...(rehearsal === null
      ? []
      : [
          `### The rehearsal of ${instant(rehearsal.at)}, under locks for ${duration(rehearsal.lockedMs)}`,
          ...(rehearsal.standbys === undefined ? [] : [`These are times of the primary: ${text(rehearsal.standbys)}.`]),
          ...checkTable(rehearsal.checks),
        ]),
  ];
  return lines.length === 0 ? [] : ['## Proof', ...lines];
}

function checkTable(checks: Report['checks']): string[] {
  return table(
    ['result', 'check', 'seen'],
    checks.map(({ passed, title, detail }) => {
      const lines = detail.split('\n').filter((line) => line !== '');
      return [
        passed ? 'passed' : '**failed**',
        text(title),
        lines.length > 1 ? plural(lines.length, 'line') : text(detail),
      ];
    }),
  );
}

/** The statements that make the ledger are longer; the JSON document and the ledger have them whole. */
const LONGEST_STATEMENT = 2_000;

function statements(report: Report): string[] {
  if (report.statements.length === 0) return [];
  const rows = report.statements.map(({ at, step, sql, locks, lockWaitMs, lockHeldMs, durationMs, error }) => [
    at.slice(11, 23),
    step,
    `${code(short(sql, LONGEST_STATEMENT))}${error === null ? '' : ` **${text(error)}**`}`,
    [...Map.groupBy(locks, (lock) => lock.mode)]
      .map(([mode, held]) => `${mode} on ${plural(held.length, 'relation')}`)
      .join(', '),
    lockWaitMs === null ? '' : duration(lockWaitMs),
    lockHeldMs === null ? '' : duration(lockHeldMs),
    durationMs === null ? '' : duration(durationMs),
  ]);
  return [
    '## Statements, locks and durations',
    ...table(['at', 'step', 'statement', 'locks held', 'waited', 'blocked others', 'ran'], rows),
  ];
}

function errors({ errors: all }: Report): string[] {
  if (all.length === 0) return [];
  const rows = all.map(({ state, pair, name, message, times, outcome }) => [
    `${state}${pair === null ? '' : ` #${pair}`}`,
    `**${text(name)}** ${text(message)}`,
    String(times),
    outcome,
  ]);
  return ['## Errors, and what became of them', ...table(['state', 'error and cause', 'times', 'then'], rows)];
}

function findings({ findings: all, accepted }: Report): string[] {
  if (all === null || all.length + accepted.length === 0) return [];
  const gone = accepted.filter((one) => !all.some(({ id, message }) => one.id === id && one.message === message));
  return [
    '## Findings',
    ...all.map(({ id, severity, message, remedy }) => {
      const by = accepted.filter((one) => one.id === id && one.message === message).map(acceptedBy);
      return `- ${severity} ${code(id)}: ${text(message)}${remedy === '' ? '' : `; ${text(remedy)}`}${by.length === 0 ? '' : ` – **${text(by.join('; '))}**`}`;
    }),
    ...gone.map((one) => `- ${code(one.id)}: ${text(one.message)} – **${text(acceptedBy(one))}**`),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
