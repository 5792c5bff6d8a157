/** Findings, errors, what could not be read, and how to verify it again. */
import type { Finding } from '../../core/contracts/documents.ts';
import type { Report, ReportError } from '../contracts.ts';
import { shortNameIn } from '../report.ts';
import { acceptedBy, count, duration } from '../words.ts';
import { type Html, html } from './escape.ts';

export function errorsSection(report: Report): Html {
  const { errors } = report;
  if (errors.length === 0) return html``;
  return html`<section id="errors" aria-labelledby="errors-title"><h2 id="errors-title">Errors, and what became of them</h2>
<div class="scroll" tabindex="0" role="group" aria-labelledby="errors-title"><table class="data errors"><caption class="visually-hidden">Errors in the order in which they happened</caption>
<thead><tr><th scope="col" class="num">After</th><th scope="col">State</th><th scope="col">Error and cause</th><th scope="col" class="num">Times</th><th scope="col">Then</th></tr></thead>
<tbody>${errors.map((error) => errorRow(error, report))}</tbody></table></div></section>`;
}

function errorRow(error: ReportError, report: Report): Html {
  const pair = report.pairs.find((one) => one.pair === error.pair);
  const offset =
    error.at === null ? '' : duration(Math.max(0, Date.parse(error.at) - Date.parse(report.execution.startedAt)));
  return html`<tr><td class="num">${offset}</td><th scope="row">${error.state}${pair === undefined ? '' : html`<span class="muted"> ${shortNameIn(report, pair.referencing)}</span>`}</th><td><b>${error.name}</b> ${error.message}</td><td class="num">${count(error.times)}</td><td><span class="pill ${error.outcome === 'retried' ? 'wait' : 'bad'}">${error.outcome === 'retried' ? 'tried again, went well' : error.outcome}</span></td></tr>`;
}

const SEVERITY: Readonly<Record<Finding['severity'], { readonly word: string; readonly tone: string }>> = {
  error: { word: 'error', tone: 'bad' },
  warning: { word: 'warning', tone: 'wait' },
  info: { word: 'good to know', tone: 'none' },
};

export function findingsSection({ findings, accepted }: Report): Html {
  if (findings === null) return html``;
  const by = ({ id, message }: Finding): Html[] =>
    accepted
      .filter((one) => one.id === id && one.message === message)
      .map((one) => html`<p class="accepted"><b>${acceptedBy(one)}</b></p>`);
  const gone = accepted.filter((one) => !findings.some(({ id, message }) => one.id === id && one.message === message));
  return html`<section id="findings" aria-labelledby="findings-title"><h2 id="findings-title">Findings</h2>
${
  findings.length + gone.length === 0
    ? html`<p>The plan had no findings.</p>`
    : html`<p class="note">What the plan reported before anything ran. An error would have refused the migration.</p>
<ul class="findings">${findings.map((finding) => html`<li><span class="pill ${SEVERITY[finding.severity].tone}">${SEVERITY[finding.severity].word}</span> <code>${finding.id}</code> <p>${finding.message}</p>${finding.remedy === '' ? '' : html`<p class="muted">${finding.remedy}</p>`}${by(finding)}</li>`)}${gone.map((one) => html`<li><code>${one.id}</code> <p>${one.message}</p><p class="accepted"><b>${acceptedBy(one)}</b></p></li>`)}</ul>`
}</section>`;
}

export function verifySection(report: Report): Html {
  return html`<section id="verify" aria-labelledby="verify-title"><h2 id="verify-title">Verify it again</h2>
<dl class="commands">${report.verifyAgain.map(({ command, purpose }) => html`<div><dt>${purpose}</dt><dd><code>${command}</code></dd></div>`)}</dl>
<p class="note">The commands take the database from <code>--database-url</code> or <code>DATABASE_URL</code>. The ledger explains; what is done is always read from the catalog.</p></section>`;
}

export function notesSection({ notes }: Report): Html {
  return notes.length === 0
    ? html``
    : html`<aside class="notes" aria-label="What this report could not read"><ul>${notes.map((note) => html`<li>${note}</li>`)}</ul></aside>`;
}
