/** The detail of a check, which for the inventory is a list. Pure. */
import type { Check } from './documents.ts';
import { visible } from './safe-text.ts';

/** One line for each entry, whatever the names in it are. */
export function inLines(entries: readonly string[]): string {
  return entries.map(visible).join('\n');
}

/** The entries again. Only the inventory has several: a line break in another check is one of a name. */
export function linesOf({ id, detail }: Pick<Check, 'id' | 'detail'>): string[] {
  const lines = id === 'inventory' ? detail.split('\n') : [visible(detail)];
  return lines.filter((line) => line.trim() !== '');
}
