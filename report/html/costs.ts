/** What the long steps cost others. */
import type { Report, ReportCost } from '../contracts.ts';
import { bytes, count, duration } from '../words.ts';
import { type Html, html } from './escape.ts';

export const COST_NOTE =
  'A snapshot keeps VACUUM from removing what other sessions have deleted since, in the whole database. WAL and bytes read are those of all sessions of the server meanwhile, not of p2pfk alone; the bytes are those of the tables that the step reads. The lag was looked at when a step began and ended, and every 5 s in between. Unknown: the server does not say, or not to this role.';

export const COST_COLUMNS = [
  'Step',
  'Statements',
  'Longest snapshot',
  'WAL meanwhile',
  'Read from files',
  'Greatest replica lag',
];

/** The cells of one row, as text. */
export function costCells(cost: ReportCost): string[] {
  const { step, statements, snapshotMs, snapshotIsExact, longestPair, walBytes, readBytes, lagSeconds } = cost;
  const snapshot =
    snapshotMs === null
      ? 'unknown'
      : `${snapshotIsExact ? '' : 'at most '}${duration(snapshotMs)}${longestPair === null ? '' : ` (pair ${longestPair})`}`;
  return [
    step,
    count(statements),
    snapshot,
    walBytes === null ? 'unknown' : bytes(walBytes),
    readBytes === null ? 'unknown' : bytes(readBytes),
    lagSeconds === null ? 'unknown' : duration(lagSeconds * 1_000),
  ];
}

export function costsSection({ costs }: Report): Html {
  if (costs.length === 0) return html``;
  return html`<section id="costs" aria-labelledby="costs-title"><h2 id="costs-title">What it cost others</h2>
<p class="note">${COST_NOTE}</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="costs-title"><table class="data costs"><caption class="visually-hidden">Snapshots, WAL, bytes read and replica lag of each long step</caption>
<thead><tr>${COST_COLUMNS.map((title, index) => html`<th scope="col"${index === 0 ? '' : html` class="num"`}>${title}</th>`)}</tr></thead>
<tbody>${costs.map(costRow)}</tbody></table></div></section>`;
}

function costRow(cost: ReportCost): Html {
  const [step = '', ...cells] = costCells(cost);
  return html`<tr><th scope="row">${step}</th>${cells.map((cell) => html`<td class="num">${cell}</td>`)}</tr>`;
}
