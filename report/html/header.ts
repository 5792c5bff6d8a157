/** What was done, to what, by whom, when; and how it ended. */
import { boundInWords } from '../../core/contracts/blocked.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import type { Report } from '../contracts.ts';
import { AS_STATED, bytes, CATALOG, comparison, count, duration, instant, placeOf, plural } from '../words.ts';
import { type Html, html } from './escape.ts';
import { STATUS, toneOf } from './words.ts';

type Fact = readonly [term: string, text: string | Html];

export function headerSection(report: Report): Html {
  const { status, subject, summary } = report;
  return html`<section class="verdict ${toneOf(status, subject.operation)}" aria-labelledby="summary">
<p class="status"><span class="pill ${toneOf(status, subject.operation)}">${STATUS[status].word}</span> <span class="what">${subject.table}${subject.referencedTable === null ? '' : html` <span aria-hidden="true">→</span><span class="visually-hidden"> to </span> ${subject.referencedTable}`}</span></p>
<h1 id="summary">${summary}</h1>
<ul class="figures">${figures(report).map(([value, what]) => html`<li><b>${value}</b> <span>${what}</span></li>`)}</ul>
<dl class="facts">${facts(report).map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)}</dl></section>`;
}

function facts(report: Report): Fact[] {
  const { execution, subject, workedOn, database, people } = report;
  return [
    [
      'Database',
      html`${workedOn === null ? '' : html`${placeOf(workedOn)}; `}${database === null ? 'not read' : html`<code>${database.target}</code>, PostgreSQL ${database.serverVersion}`}`,
    ],
    ['Foreign key', subject.constraint === null ? 'not found out' : html`<code>${subject.constraint}</code>`],
    ...(subject.definition === null ? [] : [['As it was', html`<code>${subject.definition}</code>`] as Fact]),
    ['By', by(subject.operation === 'rollback' ? { ...people, approvedBy: null } : people)],
    ...withdrawal(people),
    ...reviewed(report),
    ['Began', instant(execution.startedAt)],
    ['Ended', execution.stoppedAt === null ? 'not yet' : instant(execution.stoppedAt)],
    ['Execution', html`<code class="arn">${execution.arn}</code>`],
    ['Asked for', askedFor(report)],
  ];
}

function by(people: Report['people']): Html {
  const { role, startedBy, reason, approvedBy, approvedAt, approvedLogin, approvalReason, approvalProblem } = people;
  const database =
    role === null ? 'database role not known without the ledger' : html`database role <code>${role}</code>`;
  const person = startedBy === null ? '' : html`<code>${startedBy}</code> (${AS_STATED})${because(reason)}; `;
  const login = approvedLogin === null ? '' : html` with login <code>${approvedLogin}</code>`;
  const approval =
    approvedBy === null
      ? ''
      : html`; approved by <code>${approvedBy}</code> (${AS_STATED})${login}${approvedAt === null ? '' : ` on ${instant(approvedAt)}`}${because(approvalReason)}${approvalProblem === null ? '' : `; that approval does not count: ${approvalProblem}`}`;
  return html`${person}${database}${approval}`;
}

function because(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`;
}

function reviewed({ reviewedPlan }: Report): Fact[] {
  if (reviewedPlan === null) return [];
  const { catalogHash, hash, proven, madeAt, madeBy } = reviewedPlan;
  const when = madeAt === null ? '' : `, made on ${instant(madeAt)}`;
  const who = madeBy === null ? '' : html` by <code>${madeBy}</code> (${AS_STATED})`;
  const document =
    hash === null
      ? ''
      : html`; plan <code>${hash}</code>${proven ? `, which names that ${CATALOG}` : ` (${AS_STATED})`}${when}${who}`;
  return [['Plan', html`${CATALOG} <code>${catalogHash}</code>, ${comparison(reviewedPlan)}${document}`]];
}

function withdrawal({ withdrawn, approvedAt }: Report['people']): Fact[] {
  if (withdrawn === null) return [];
  const person = withdrawn.by === null ? '' : html` by <code>${withdrawn.by}</code> (${AS_STATED})`;
  const login = withdrawn.login === null ? '' : html` with login <code>${withdrawn.login}</code>`;
  const now = approvedAt === null ? '' : '; approved again since';
  return [['Approval withdrawn', html`${instant(withdrawn.at)}${person}${login}${because(withdrawn.reason)}${now}`]];
}

/** What differs from the defaults; those every execution has. */
function askedFor({ execution, subject }: Report): Html {
  const { table: _table, constraint: _constraint, by: _by, reason: _reason, ...more } = execution.input;
  const {
    planHash: _catalog,
    planDocumentHash: _hash,
    planRestHash: _rest,
    planMadeAt: _madeAt,
    planMadeBy: _madeBy,
    ...given
  } = more;
  const defaults: Record<string, unknown> = ExecutionInput.safeParse({ table: subject.table || 'T' }).data ?? {};
  const own = Object.entries(given).filter(([key, value]) => JSON.stringify(defaults[key]) !== JSON.stringify(value));
  if (own.length === 0) return html`nothing but the defaults`;
  return html`${own.map(([key, value], index) => html`${index === 0 ? '' : ', '}${key} <code>${typeof value === 'string' ? value : JSON.stringify(value)}</code>`)}`;
}

function figures(report: Report): [string, string][] {
  const { pairs, execution, statements, states, blockedOverall: blocked, lockedMs } = report;
  const rows = pairs.reduce((sum, pair) => sum + pair.rows, 0);
  const size = pairs.reduce((sum, pair) => sum + (pair.bytes ?? 0), 0);
  // Of all states: the drop is of no pair.
  const retries = states.reduce((sum, state) => sum + state.failures, 0);
  const own = statements.filter((statement) => statement.during === 'this');
  const wait = own.reduce((most, { lockWaitMs }) => Math.max(most, lockWaitMs ?? 0), 0);
  return [
    [duration(execution.durationMs), execution.stoppedAt === null ? 'so far' : 'in all'],
    ...(pairs.length === 0 ? [] : [[count(pairs.length), pairs.length === 1 ? 'pair' : 'pairs'] as [string, string]]),
    ...(rows === 0 ? [] : [[count(rows), size === 0 ? 'rows' : `rows, ${bytes(size)}`] as [string, string]]),
    ...(blocked === null
      ? []
      : [
          [boundInWords(blocked.longestMs), 'others blocked at a time, at most'] as [string, string],
          [
            boundInWords(blocked.totalMs),
            `others blocked in all, at most, in ${plural(blocked.tries, 'try', 'tries')}`,
          ] as [string, string],
        ]),
    ...(lockedMs === null
      ? []
      : [[boundInWords(lockedMs), 'under exclusive lock by the drop, at most'] as [string, string]]),
    ...(own.length === 0 ? [] : [[duration(wait), 'longest wait for a lock'] as [string, string]]),
    ...(pairs.length === 0 ? [] : [[count(retries), `failed ${retries === 1 ? 'try' : 'tries'}`] as [string, string]]),
  ];
}
