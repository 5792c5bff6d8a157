/** Filter and pages of a long table; drawn only where they are of use, and shown only where a script runs. */
import { plural } from '../words.ts';
import { type Html, html } from './escape.ts';
import { PAGE } from './rows.ts';

/** Fewer rows than that are found by looking. */
const FILTER_FROM = 12;

export function pager(table: string, rows: number, one: string): Html {
  if (rows < FILTER_FROM) return html``;
  return html`<div class="pager needs-js" data-pager="${table}" data-page="${PAGE}" data-noun="${one}">
<label class="filter"><span class="visually-hidden">Filter</span><input type="search" placeholder="Filter ${plural(rows, one)}" autocomplete="off" spellcheck="false"></label>
<span class="count" role="status"></span>
<span class="pages"><button type="button" data-step="-1" aria-label="Previous page">‹</button><button type="button" data-step="1" aria-label="Next page">›</button></span></div>`;
}
