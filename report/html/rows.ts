/** Rows of long tables. Without a script all are shown; with one, the first page alone is, from the first paint on. */
import { type Html, html } from './escape.ts';

/** Rows of one page; report/client knows the same number from the pager. */
export const PAGE = 50;

export function beyond(index: number): Html {
  return index < PAGE ? html`` : html` data-beyond`;
}
