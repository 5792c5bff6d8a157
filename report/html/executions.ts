/** All executions of the migration, where it took more than one. */
import type { MigrationExecution, Report } from '../contracts.ts';
import { AS_STATED, count, duration, instant } from '../words.ts';
import { type Html, html } from './escape.ts';

export function executionsSection({ executions }: Report): Html {
  if (executions.length < 2) return html``;
  return html`<section id="executions" aria-labelledby="executions-title"><h2 id="executions-title">All executions of this migration</h2>
<p class="note">From the ledger, in the order in which they began; how each ended is known as long as its history is kept. Persons and reasons are ${AS_STATED}. The rest of this report is about the execution that is marked.</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="executions-title"><table class="data"><caption class="visually-hidden">Executions of this migration</caption>
<thead><tr><th scope="col" class="num">#</th><th scope="col">Execution</th><th scope="col">Began</th><th scope="col" class="num">Took</th><th scope="col">Ended as</th><th scope="col">Started by</th><th scope="col">Reason</th><th scope="col">Login</th><th scope="col" class="num">Statements</th></tr></thead>
<tbody>${executions.map(row)}</tbody></table></div></section>`;
}

function row(execution: MigrationExecution, index: number): Html {
  const { arn, isThis, operation, startedAt, startedBy, reason, role, login, statements, outcome } = execution;
  return html`<tr><td class="num">${index + 1}</td><th scope="row"><code class="arn">${arn}</code>${isThis ? html` <span class="pill none">this report</span>` : ''}${operation === 'rollback' ? ' rollback' : ''}</th><td>${startedAt === '' ? '' : instant(startedAt)}</td><td class="num">${took(execution)}</td><td>${outcome ?? html`<span class="muted">history not kept</span>`}</td><td>${startedBy ?? html`<span class="muted">not stated</span>`}</td><td>${reason ?? ''}</td><td>${logins(login, role)}</td><td class="num">${count(statements)}</td></tr>`;
}

export function took({ startedAt, endedAt }: MigrationExecution): string {
  const milliseconds = Date.parse(endedAt ?? '') - Date.parse(startedAt);
  return Number.isFinite(milliseconds) ? duration(milliseconds) : '';
}

function logins(login: string | null, role: string | null): string {
  if (login === null) return role ?? '';
  return role === null || role === login ? login : `${login} as ${role}`;
}
