/** The table of pairs: one row each, which opens. */
import type { Report, ReportPair } from '../contracts.ts';
import { shortNameIn } from '../report.ts';
import { bytes, count, duration } from '../words.ts';
import { type Html, html } from './escape.ts';
import { pager } from './pager.ts';
import { beyond } from './rows.ts';

interface Column {
  readonly title: string;
  readonly numeric: boolean;
  readonly cell: (pair: ReportPair, report: Report) => string | Html;
  /** What is sorted by; absent where the text is. */
  readonly value?: (pair: ReportPair) => number;
}

const ms = (value: number | null): string => (value === null || value === 0 ? '' : duration(value));

const COLUMNS: readonly Column[] = [
  { title: 'Referenced', numeric: false, cell: (pair, report) => shortNameIn(report, pair.referenced) },
  { title: 'Rows', numeric: true, cell: ({ rows }) => count(rows), value: ({ rows }) => rows },
  {
    title: 'Size',
    numeric: true,
    cell: ({ bytes: size }) => (size === null ? '' : bytes(size)),
    value: ({ bytes: size }) => size ?? 0,
  },
  {
    title: 'Index',
    numeric: true,
    cell: ({ indexMs, indexAdded }) => (indexAdded === false ? 'was there' : ms(indexMs)),
    value: ({ indexMs }) => indexMs ?? 0,
  },
  { title: 'Added', numeric: true, cell: ({ addMs }) => ms(addMs), value: ({ addMs }) => addMs ?? 0 },
  {
    title: 'Validated',
    numeric: true,
    cell: ({ validateMs }) => ms(validateMs),
    value: ({ validateMs }) => validateMs ?? 0,
  },
  {
    title: 'Lock wait',
    numeric: true,
    cell: ({ lockWaitMs }) => ms(lockWaitMs),
    value: ({ lockWaitMs }) => lockWaitMs,
  },
  {
    title: 'Retries',
    numeric: true,
    cell: ({ retries }) => (retries === 0 ? '' : html`<span class="retries">↻ ${retries}</span>`),
    value: ({ retries }) => retries,
  },
  {
    title: 'Orphans',
    numeric: true,
    cell: ({ orphans }) => (orphans === null ? '' : count(orphans)),
    value: ({ orphans }) => orphans ?? -1,
  },
  {
    title: 'State',
    numeric: false,
    cell: ({ state }) => html`<span class="state-word ${tone(state)}">${state}</span>`,
  },
];

function tone(state: string): string {
  if (state === 'validated' || state === 'restored') return 'good';
  return state === 'planned' ? 'none' : 'run';
}

export function pairsSection(report: Report): Html {
  if (report.pairs.length === 0) return html``;
  const head = (title: string, numeric: boolean, index: number): Html =>
    html`<th scope="col" class="${numeric ? 'num' : ''}" aria-sort="none"><button type="button" class="sort" data-column="${index}">${title}</button></th>`;
  return html`<section id="pairs" aria-labelledby="pairs-title">
<div class="head"><h2 id="pairs-title">Pairs of partitions</h2>${pager('pairs', report.pairs.length, 'pair')}</div>
<div class="scroll" tabindex="0" role="group" aria-labelledby="pairs-title"><table class="data pairs" data-rows="pairs">
<caption class="visually-hidden">Each pair: its partitions, size, what was done and how long it took</caption>
<thead><tr>${head('#', true, 0)}${head('Referencing', false, 1)}${COLUMNS.map(({ title, numeric }, index) => head(title, numeric, index + 2))}</tr></thead>
${report.pairs.map((pair, index) => pairRows(pair, index, report))}
</table></div></section>`;
}

/** A body of its own for each pair, so that sorting takes the opened part along. */
function pairRows(pair: ReportPair, index: number, report: Report): Html {
  const name = shortNameIn(report, pair.referencing);
  return html`<tbody data-row data-key="${pair.pair}" id="pair-${pair.pair}"${beyond(index)}><tr>
<td class="num" data-v="${pair.pair}">${pair.pair}</td><th scope="row"><button type="button" class="open" aria-expanded="false" aria-controls="detail-${pair.pair}">${name}</button></th>${COLUMNS.map(
    (column) =>
      html`<td${column.numeric ? html` class="num"` : ''}${column.value ? html` data-v="${column.value(pair)}"` : ''}>${column.cell(pair, report)}</td>`,
  )}</tr>
<tr class="detail" id="detail-${pair.pair}"><td></td><td colspan="11"><dl class="inline">${details(pair).map(([term, text]) => html`<div><dt>${term}</dt><dd><code>${text}</code></dd></div>`)}</dl></td></tr></tbody>`;
}

function details(pair: ReportPair): [string, string][] {
  const all: [string, string | null][] = [
    ['Bound', pair.bound],
    ['Foreign key', pair.constraint],
    ['Index', pair.index],
    ['Last error', pair.lastError],
  ];
  return all.filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== '');
}
