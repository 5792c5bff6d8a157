/** The list of executions, newest first. */
import type { ExecutionListItem } from '@aws-sdk/client-sfn';
import { type Html, html } from '../../../report/html/escape.ts';
import { duration, instant } from '../../../report/words.ts';

const TONES: Readonly<Record<string, string>> = {
  RUNNING: 'run',
  SUCCEEDED: 'good',
  FAILED: 'bad',
  TIMED_OUT: 'bad',
  ABORTED: 'wait',
};

export function executionsPage(executions: readonly ExecutionListItem[], next: string | undefined): Html {
  if (executions.length === 0) {
    return html`<section class="verdict"><h1>Nothing has run here yet</h1><p class="note">Every migration that is started on this machine, from here or by <code>p2pfk migrate</code>, is listed on this page with its graph, its timeline and its report.</p><p><a class="button primary" href="/start">Start a migration</a></p></section>`;
  }
  return html`<section class="verdict" aria-labelledby="executions-title"><div class="head"><h1 id="executions-title">Executions</h1><a class="button primary" href="/start">Start a migration</a></div>
<div class="scroll" tabindex="0" role="group" aria-labelledby="executions-title"><table class="data executions"><caption class="visually-hidden">Executions, newest first</caption>
<thead><tr><th scope="col">Execution</th><th scope="col">Status</th><th scope="col">Began</th><th scope="col" class="num">Took</th></tr></thead>
<tbody>${executions.map(row)}</tbody></table></div>
${next === undefined ? '' : html`<p><a href="/?page=${encodeURIComponent(next)}">Older executions</a></p>`}</section>`;
}

function row({ name = '', status = 'RUNNING', startDate, stopDate }: ExecutionListItem): Html {
  const took =
    startDate === undefined || stopDate === undefined ? '' : duration(stopDate.getTime() - startDate.getTime());
  return html`<tr><th scope="row"><a href="/executions/${encodeURIComponent(name)}">${name}</a></th><td><span class="pill ${TONES[status] ?? 'none'}">${status.toLowerCase().replace('_', ' ')}</span></td><td>${startDate === undefined ? '' : instant(startDate.toISOString())}</td><td class="num">${took}</td></tr>`;
}
