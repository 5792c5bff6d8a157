/** The list of executions, newest first. */
import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import { inputOf, parseRecord } from '../../../core/history/json.ts';
import { type Html, html } from '../../../report/html/escape.ts';
import { duration, instant } from '../../../report/words.ts';
import { stringOf } from '../../progress/events.ts';
import type { Listed } from '../served.ts';

export function executionsPage(executions: readonly Listed[], next: string | undefined): Html {
  if (executions.length === 0) {
    return html`<section class="verdict"><h1>Nothing has run here yet</h1><p class="note">Every migration that is started on this machine, from here or by <code>p2pfk migrate</code>, is listed on this page with its graph, its timeline and its report.</p><p><a class="button primary" href="/start">Start a migration</a></p></section>`;
  }
  return html`<section class="verdict" aria-labelledby="executions-title"><div class="head"><h1 id="executions-title">Executions</h1><a class="button primary" href="/start">Start a migration</a></div>
<div class="scroll" tabindex="0" role="group" aria-labelledby="executions-title"><table class="data executions"><caption class="visually-hidden">Executions, newest first</caption>
<thead><tr><th scope="col">Execution</th><th scope="col">Table</th><th scope="col">Outcome</th><th scope="col">Started by, as stated</th><th scope="col">Began</th><th scope="col" class="num">Took</th></tr></thead>
<tbody>${executions.map(row)}</tbody></table></div>
${executions.some(({ elsewhere }) => elsewhere !== null) ? html`<p class="note">Greyed: executions that did not work on the database that is served here, at its endpoint, as far as they recorded it. They can be looked at, and nothing else.</p>` : ''}
${next === undefined ? '' : html`<p><a href="/?page=${encodeURIComponent(next)}">Older executions</a></p>`}</section>`;
}

function row({ execution, elsewhere }: Listed): Html {
  const { name = '', startDate, stopDate, input } = execution;
  const took =
    startDate === undefined || stopDate === undefined ? '' : duration(stopDate.getTime() - startDate.getTime());
  const [word, tone] = outcomeOf(execution);
  return html`<tr${elsewhere === null ? '' : html` class="elsewhere"`}><th scope="row"><a href="/executions/${encodeURIComponent(name)}">${name}</a></th><td><code>${stringOf(inputOf(input).table)}</code>${elsewhere === null ? '' : html`<br><span class="hint">${elsewhere}</span>`}</td><td><span class="pill ${tone}">${word}</span></td><td>${stringOf(inputOf(input).by)}</td><td>${startDate === undefined ? '' : instant(startDate.toISOString())}</td><td class="num">${took}</td></tr>`;
}

/** What Step Functions calls succeeded may be a pause, and what it calls failed has put everything back. */
function outcomeOf({ status, output, error }: DescribeExecutionOutput): readonly [word: string, tone: string] {
  switch (status) {
    case 'RUNNING':
      return ['running', 'run'];
    case 'ABORTED':
      return [error === 'ProcessEnded' ? 'interrupted' : 'stopped', 'wait'];
    case 'SUCCEEDED': {
      const said = stringOf(parseRecord(output).status).toLowerCase().replaceAll('_', ' ');
      return [said || 'succeeded', said === 'paused' ? 'wait' : said === 'dry run' ? 'none' : 'good'];
    }
    default:
      return [error === 'MigrationRolledBack' ? 'failed, rolled back' : (error ?? 'failed'), 'bad'];
  }
}
