/** The report as Markdown, for a ticket or a pull request. */
import { boundInWords } from '../core/contracts/blocked.ts';
import { linesOf } from '../core/contracts/check-lines.ts';
import type { Bar, Report } from './contracts.ts';
import { COST_COLUMNS, COST_NOTE, costCells } from './html/costs.ts';
import { took } from './html/executions.ts';
import { STAGE_ORDER, STATUS, stageLabel } from './html/words.ts';
import { code, joined, type Markdown, md, text } from './markdown-text.ts';
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
  const parts: readonly (readonly Markdown[])[] = [
    [md`# ${text(STATUS[status].word)}: ${text(subject.table + to)}`, text(summary)],
    facts(report),
    report.notes.map((note) => md`> ${text(note)}`),
    executions(report),
    states(report),
    pairs(report),
    costs(report),
    proof(report),
    statements(report),
    errors(report),
    findings(report),
    [
      md`## Verify it again`,
      ...report.verifyAgain.map(({ command, purpose }) => md`- ${text(purpose)}: ${code(command)}`),
    ],
    [text(`${report.generator}, ${instant(report.generatedAt)}`)],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map(block)
    .join('\n\n')}\n`;
}

/** A heading stands alone; rows of a table and items of a list stand together. */
function block(lines: readonly Markdown[]): string {
  return lines
    .map((line, index) =>
      index === 0 ? line : /^[|\->]/.test(line) && /^[|\->]/.test(lines[index - 1] ?? '') ? `\n${line}` : `\n\n${line}`,
    )
    .join('');
}

const NOTHING = md``;

function facts({ workedOn, database, subject, people, execution, reviewedPlan }: Report): Markdown[] {
  const place = workedOn === null ? NOTHING : md`${text(placeOf(workedOn))}; `;
  const rows: readonly (readonly [term: string, value: Markdown])[] = [
    [
      'Database',
      database === null
        ? md`${place}not read`
        : md`${place}${code(database.target)}, PostgreSQL ${text(database.serverVersion)}`,
    ],
    ['Foreign key', subject.constraint === null ? NOTHING : code(subject.constraint)],
    ['As it was', subject.definition === null ? NOTHING : code(subject.definition)],
    ['Started by', stated(people.startedBy, people.reason)],
    ['By', people.role === null ? NOTHING : md`role ${code(people.role)}`],
    ['Approved by', approved(people)],
    ['Approval withdrawn', withdrawn(people)],
    ['Plan', reviewed(reviewedPlan)],
    ['Began', text(instant(execution.startedAt))],
    ['Ended', execution.stoppedAt === null ? md`not yet` : text(instant(execution.stoppedAt))],
    ['Took', text(duration(execution.durationMs))],
    ['Execution', code(execution.arn)],
  ];
  return table(
    ['', ''],
    rows.filter(([, value]) => value !== '').map(([term, value]) => [text(term), value]),
  );
}

function reviewed(plan: Report['reviewedPlan']): Markdown {
  if (plan === null) return NOTHING;
  const when = plan.madeAt === null ? NOTHING : md`, made on ${text(instant(plan.madeAt))}`;
  const who = plan.madeBy === null ? NOTHING : md` by ${stated(plan.madeBy, null)}`;
  const named = plan.proven ? md`, which names that ${text(CATALOG)}` : md` (${text(AS_STATED)})`;
  const document = plan.hash === null ? NOTHING : md`; plan ${code(plan.hash)}${named}${when}${who}`;
  return md`${text(CATALOG)} ${code(plan.catalogHash)}, ${text(comparison(plan))}${document}`;
}

function stated(person: string | null, reason: string | null): Markdown {
  if (person === null) return text(reason ?? '');
  return md`${code(person)} (${text(AS_STATED)})${reason === null ? NOTHING : md`: ${text(reason)}`}`;
}

function approved({ approvedBy, approvedLogin, approvalReason, approvalProblem }: Report['people']): Markdown {
  if (approvedBy === null) return NOTHING;
  const login = approvedLogin === null ? NOTHING : md`, login ${code(approvedLogin)}`;
  const problem = approvalProblem === null ? NOTHING : md`; that approval does not count: ${text(approvalProblem)}`;
  return md`${stated(approvedBy, approvalReason)}${login}${problem}`;
}

function withdrawn({ withdrawn: one }: Report['people']): Markdown {
  if (one === null) return NOTHING;
  const parts = [text(instant(one.at)), stated(one.by, one.reason)];
  const who = joined(
    parts.filter((part) => part !== ''),
    ' ',
  );
  return one.login === null ? who : md`${who}, login ${code(one.login)}`;
}

function executions({ executions: all }: Report): Markdown[] {
  if (all.length < 2) return [];
  const rows = all.map((one, index) => [
    text(index + 1),
    md`${code(one.arn)}${one.isThis ? md` **this report**` : NOTHING}${one.operation === 'rollback' ? md` rollback` : NOTHING}`,
    text(instant(one.startedAt)),
    text(took(one)),
    text(one.outcome ?? 'history not kept'),
    one.startedBy === null ? md`not stated` : code(one.startedBy),
    text(one.reason ?? ''),
    one.login === null ? NOTHING : code(one.login),
    text(count(one.statements)),
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
  return [md`## All executions of this migration`, ...table(head, rows)];
}

function states({ states: all, steps }: Report): Markdown[] {
  const took = new Map(steps.map((bar) => [bar.state, bar]));
  const rows = all
    .filter((state) => state.outcome !== 'not-entered' && state.parent === null)
    .map((state) => [
      text(state.name),
      text(state.outcome),
      spent(took.get(state.name)),
      state.failures === 0 ? NOTHING : text(state.failures),
    ]);
  return [md`## The state machine, as executed`, ...table(['state', 'outcome', 'took', 'failed tries'], rows)];
}

function spent(bar: Bar | undefined): Markdown {
  return bar === undefined ? NOTHING : text(duration(bar.durationMs));
}

function pairs(report: Report): Markdown[] {
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
    text(pair.pair),
    code(shortNameIn(report, pair.referencing)),
    code(shortNameIn(report, pair.referenced)),
    text(count(pair.rows)),
    pair.bytes === null ? NOTHING : text(bytes(pair.bytes)),
    ...stages.map((stage) => spent(pair.bars[stage])),
    pair.lockWaitMs === 0 ? NOTHING : text(duration(pair.lockWaitMs)),
    pair.retries === 0 ? NOTHING : text(pair.retries),
    text(pair.state),
  ]);
  return [md`## Pairs of partitions`, ...table(head, rows)];
}

function costs({ costs: all }: Report): Markdown[] {
  if (all.length === 0) return [];
  const rows = all.map((cost) => costCells(cost).map((cell) => text(cell)));
  return [md`## What it cost others`, text(COST_NOTE), ...table(COST_COLUMNS, rows)];
}

function proof({ comparison, checks, rehearsal }: Report): Markdown[] {
  const compared = comparison.map(({ what, before, after }) => [text(what), text(before), text(after)]);
  const lines = [
    ...(compared.length === 0 ? [] : table(['measured', 'before', 'after'], compared)),
    ...(checks.length === 0 ? [] : [md`### The six checks, after the drop`, ...checkTable(checks)]),
    ...(rehearsal === null ? [] : rehearsed(rehearsal)),
  ];
  return lines.length === 0 ? [] : [md`## Proof`, ...lines];
}

function rehearsed({ at, lockedMs, standbys, checks }: NonNullable<Report['rehearsal']>): Markdown[] {
  return [
    md`### The rehearsal of ${text(instant(at))}, under locks for at most ${text(boundInWords(lockedMs))}`,
    ...(standbys === undefined ? [] : [md`These are times of the primary: ${text(standbys)}.`]),
    ...checkTable(checks),
  ];
}

function checkTable(checks: Report['checks']): Markdown[] {
  return table(
    ['result', 'check', 'seen'],
    checks.map((check) => {
      const { passed, title } = check;
      const lines = linesOf(check);
      return [
        passed ? md`passed` : md`**failed**`,
        text(title),
        text(lines.length > 1 ? plural(lines.length, 'line') : (lines[0] ?? '')),
      ];
    }),
  );
}

/** The statements that make the ledger are longer; the JSON document and the ledger have them whole. */
const LONGEST_STATEMENT = 2_000;

function statements(report: Report): Markdown[] {
  if (report.statements.length === 0) return [];
  const rows = report.statements.map(({ at, step, sql, locks, lockWaitMs, lockHeldMs, durationMs, error }) => [
    text(at.slice(11, 23)),
    text(step),
    md`${code(short(sql, LONGEST_STATEMENT))}${error === null ? NOTHING : md` **${text(error)}**`}`,
    text(
      [...Map.groupBy(locks, (lock) => lock.mode)]
        .map(([mode, held]) => `${mode} on ${plural(held.length, 'relation')}`)
        .join(', '),
    ),
    lockWaitMs === null ? NOTHING : text(duration(lockWaitMs)),
    lockHeldMs === null ? NOTHING : text(boundInWords(lockHeldMs)),
    durationMs === null ? NOTHING : text(duration(durationMs)),
  ]);
  return [
    md`## Statements, locks and durations`,
    ...table(['at', 'step', 'statement', 'locks held', 'waited', 'blocked others at most', 'ran'], rows),
  ];
}

function errors({ errors: all }: Report): Markdown[] {
  if (all.length === 0) return [];
  const rows = all.map(({ state, pair, name, message, times, outcome }) => [
    md`${text(state)}${pair === null ? NOTHING : md` #${text(pair)}`}`,
    md`**${text(name)}** ${text(message)}`,
    text(times),
    text(outcome),
  ]);
  return [md`## Errors, and what became of them`, ...table(['state', 'error and cause', 'times', 'then'], rows)];
}

function findings({ findings: all, accepted }: Report): Markdown[] {
  if (all === null || all.length + accepted.length === 0) return [];
  const gone = accepted.filter((one) => !all.some(({ id, message }) => one.id === id && one.message === message));
  return [
    md`## Findings`,
    ...all.map(({ id, severity, message, remedy }) => {
      const by = accepted.filter((one) => one.id === id && one.message === message).map(acceptedBy);
      const what = md`${text(severity)} ${code(id)}: ${text(message)}${remedy === '' ? NOTHING : md`; ${text(remedy)}`}`;
      return by.length === 0 ? md`- ${what}` : md`- ${what} – **${text(by.join('; '))}**`;
    }),
    ...gone.map((one) => md`- ${code(one.id)}: ${text(one.message)} – **${text(acceptedBy(one))}**`),
  ];
}

function table(head: readonly string[], rows: readonly (readonly Markdown[])[]): Markdown[] {
  const line = (cells: readonly Markdown[]): Markdown => md`| ${joined(cells, ' | ')} |`;
  return [line(head.map(text)), line(head.map(() => md`---`)), ...rows.map(line)];
}
