/** Every statement, with the locks that it held and for how long. */
import { boundInWords } from '../../core/contracts/blocked.ts';
import type { HeldLock } from '../../core/contracts/trail.ts';
import type { Report, ReportStatement } from '../contracts.ts';
import { shortNameIn } from '../report.ts';
import { duration, plural } from '../words.ts';
import { type Html, html } from './escape.ts';
import { pager } from './pager.ts';
import { beyond } from './rows.ts';

/** Characters; longer statements are folded. */
const LONGEST_STATEMENT = 1_500;

/** More relations than that are counted, not named: the drop holds them on every partition. */
const MOST_NAMED = 4;

export function statementsSection(report: Report): Html {
  const { statements } = report;
  if (statements.length === 0) return html``;
  const others = statements.filter((statement) => statement.during !== 'this').length;
  return html`<section id="statements" aria-labelledby="statements-title">
<div class="head"><h2 id="statements-title">Statements, locks and durations</h2>${pager('statements', statements.length, 'statement')}</div>
<p class="note">From the ledger in the database: what ran, the strongest lock that it held on each relation just before its COMMIT as <code>pg_locks</code> showed them, how long it waited for them, how long the transaction may have blocked other sessions (from the request of its locks to its end, failed tries included), and how long the statement ran.${others === 0 ? '' : ` ${plural(others, 'statement')} of other executions of this migration ${others === 1 ? 'is' : 'are'} marked.`} By ${roles(statements)}.</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="statements-title"><table class="data statements" data-rows="statements">
<caption class="visually-hidden">SQL statements in the order in which they were noted</caption>
<thead><tr><th scope="col" class="num">After</th><th scope="col">Step</th><th scope="col">Statement</th><th scope="col">Locks held</th><th scope="col" class="num">Waited</th><th scope="col" class="num">Blocked others at most</th><th scope="col" class="num">Ran</th></tr></thead>
<tbody data-body>${statements.map((statement, index) => row(statement, index, report))}</tbody></table></div></section>`;
}

function roles(statements: readonly ReportStatement[]): Html {
  return html`${[...new Set(statements.map((statement) => statement.role))].map((role, index) => html`${index === 0 ? '' : ', '}<code>${role}</code>`)}`;
}

function row(statement: ReportStatement, index: number, report: Report): Html {
  const { pair, step, sql, lockWaitMs, lockHeldMs, durationMs, error, during } = statement;
  return html`<tr data-row${pair === null ? '' : html` data-pair="${pair}"`}${error === null ? '' : html` class="error"`}${beyond(index)}><td class="num">${after(statement)}</td><td>${step}${during === 'this' ? '' : html` <span class="pill none">${during === 'before' ? 'earlier execution' : 'later'}</span>`}</td><td>${statementText(sql)}${error === null ? '' : html`<p class="why">${error}</p>`}</td><td>${lockList(statement, report)}</td><td class="num">${lockWaitMs === null ? '' : duration(lockWaitMs)}</td><td class="num">${lockHeldMs === null ? '' : boundInWords(lockHeldMs)}</td><td class="num">${durationMs === null ? '' : duration(durationMs)}</td></tr>`;
}

/** What makes the ledger is hundreds of lines: its first line is shown, the rest on demand. */
function statementText(sql: string): Html {
  if (sql.length <= LONGEST_STATEMENT) return html`<code>${sql}</code>`;
  const lines = sql.split('\n');
  const first = lines.find((line) => line !== '' && !line.startsWith('--')) ?? lines[0] ?? '';
  return html`<details><summary><code>${first}</code> (${plural(lines.length, 'line')})</summary><code>${sql}</code></details>`;
}

function after({ offsetMs, at, during }: ReportStatement): string {
  if (during !== 'this' || offsetMs === null) return at.slice(0, 19).replace('T', ' ');
  return duration(Math.max(0, offsetMs));
}

/** Table-level locks, the weakest first, as PostgreSQL's documentation lists them. */
const STRENGTH = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
];

/** A weaker lock on the same relation stops nobody whom the strongest does not stop. */
function strongest(locks: readonly HeldLock[]): HeldLock[] {
  const kept = new Map<string, HeldLock>();
  for (const lock of locks) {
    const known = kept.get(lock.relation);
    if (known === undefined || STRENGTH.indexOf(lock.mode) > STRENGTH.indexOf(known.mode))
      kept.set(lock.relation, lock);
  }
  return [...kept.values()];
}

/** The ledger has the locks of what was committed. A try that failed, or a rehearsal, held those that its statement names. */
function lockList({ locks, lockHeldMs, error }: ReportStatement, report: Report): Html {
  if (locks.length === 0 && lockHeldMs !== null)
    return html`<span class="muted">as the statement says, then rolled back</span>`;
  if (locks.length === 0 && error !== null) return html`<span class="muted">none that stayed</span>`;
  if (locks.length === 0) return html`<span class="muted">outside a transaction</span>`;
  const byMode = Map.groupBy(strongest(locks), (lock) => lock.mode);
  return html`${[...byMode].map(([mode, held]) => {
    const names = held.map((lock) => shortNameIn(report, lock.relation));
    const on = names.length > MOST_NAMED ? plural(names.length, 'relation') : names.join(', ');
    return html`<div><b>${mode.replace(/Lock$/, '')}</b> ${on}</div>`;
  })}`;
}
