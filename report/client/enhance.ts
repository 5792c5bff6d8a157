/** Binds the parts of a report to its document, once; the console calls it again after a new state of things came in. */
import { graph } from './graph.ts';
import { pairs } from './pairs.ts';
import { sortable } from './sort.ts';
import { tables } from './tables.ts';
import { timeline } from './timeline.ts';

export interface Enhanced {
  /** After the content of the page was replaced: applies again what the reader had chosen. */
  refresh(): void;
}

export function enhance(): Enhanced {
  const pages = tables();
  const parts = [graph(), timeline(), pairs(pages), sortable(pages), pages];
  const refresh = (): void => {
    for (const part of parts) part.refresh();
  };
  refresh();
  return { refresh };
}
