/** Before and after, the six checks, and the rehearsal. */
import { boundInWords } from '../../core/contracts/blocked.ts';
import { linesOf } from '../../core/contracts/check-lines.ts';
import type { Check } from '../../core/contracts/documents.ts';
import type { Report } from '../contracts.ts';
import { instant, plural } from '../words.ts';
import { type Html, html } from './escape.ts';

export function proofSection(report: Report): Html {
  const { comparison, checks, rehearsal } = report;
  if (comparison.length === 0 && checks.length === 0 && rehearsal === null) return html``;
  return html`<section id="proof" aria-labelledby="proof-title"><h2 id="proof-title">Proof</h2>
${comparison.length === 0 ? '' : compared(report)}
${checks.length === 0 ? '' : html`<h3>The six checks, after the drop</h3>${checkTable(checks, 'The six checks')}`}
${rehearsal === null ? '' : html`<h3>The rehearsal</h3><p>On ${instant(rehearsal.at)} the drop was done on the live database in one transaction and rolled back. It held its exclusive locks for at most ${boundInWords(rehearsal.lockedMs)}.${rehearsal.standbys === undefined ? '' : ` These are times of the primary: ${rehearsal.standbys}.`}</p>${checkTable(rehearsal.checks, 'Checks of the rehearsal')}`}
</section>`;
}

function compared({ comparison }: Report): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Before and after"><table class="data compare"><caption class="visually-hidden">Before and after</caption>
<thead><tr><th scope="col">Measured</th><th scope="col">Before: one foreign key between the tables</th><th scope="col">After: one for each pair</th></tr></thead>
<tbody>${comparison.map(({ what, before, after }) => html`<tr><th scope="row">${what}</th><td>${before}</td><td>${after}</td></tr>`)}</tbody></table></div>`;
}

function checkTable(checks: readonly Check[], caption: string): Html {
  return html`<table class="data checks"><caption class="visually-hidden">${caption}</caption>
<thead><tr><th scope="col">Result</th><th scope="col">Check</th><th scope="col">What was seen</th></tr></thead>
<tbody>${checks.map((check) => html`<tr><td><span class="pill ${check.passed ? 'good' : 'bad'}">${check.passed ? 'passed' : 'failed'}</span></td><th scope="row">${check.title}</th><td>${seen(check)}</td></tr>`)}</tbody></table>`;
}

/** The inventory has a line for each pair. */
function seen(check: Check): Html {
  const lines = linesOf(check);
  if (lines.length < 2) return html`${lines[0] ?? ''}`;
  return html`<details><summary>${plural(lines.length, 'line')}</summary><pre>${lines.join('\n')}</pre></details>`;
}
