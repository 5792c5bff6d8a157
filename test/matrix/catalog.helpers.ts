/** The catalog as text that two moments can be compared by, where the order of making things may differ. */
import type { Client } from 'pg';
import { catalogSnapshot } from '../support/catalog.ts';

/**
 * The catalog, but for the ledger. PostgreSQL derives from a parent FK one constraint for each referenced partition, and
 * numbers their names in the order in which they are made, which is that of the bounds when the parent FK is added, and
 * that of the partitions where it came first. Such a name is left out; what it stands for is not.
 *
 * Left out as well is the column list of ON DELETE SET NULL (columns) on derived constraints: PostgreSQL copies the
 * parent's column numbers to a leaf whose columns have others, so it may print the wrong names there (seen on 15 to 18).
 * The action itself is that of the parent FK.
 */
export async function catalog(observer: Client): Promise<string> {
  const snapshot = await catalogSnapshot(observer);
  const { rows } = await observer.query<{ relation: string; name: string }>(
    `SELECT format('%I.%I', n.nspname, r.relname) AS relation, quote_ident(c.conname) AS name
       FROM pg_constraint c
       JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
       JOIN pg_class b ON b.oid = c.confrelid
      WHERE c.contype = 'f' AND c.conparentid <> 0 AND b.relispartition`,
  );
  const numbered = new Map<string, string>();
  for (const { relation, name } of rows) {
    numbered.set(`  ${relation} ${name}: `, `  ${relation} (numbered): `);
    numbered.set(` parent ${relation} ${name} comment `, ` parent ${relation} (numbered) comment `);
    numbered.set(` for ${name} of ${relation} calls `, ` for (numbered) of ${relation} calls `);
  }
  const lines = snapshot.split('\n').map((line) => {
    let text = line;
    for (const [from, to] of numbered) text = text.replace(from, to);
    return text.replace(/( ON DELETE SET (?:NULL|DEFAULT)) \(.*\)(?=.* inherited 1 parent )/, '$1 (columns)');
  });
  // Within a section the order of the lines says nothing; headings stay where they are.
  return lines
    .join('\n')
    .split(/\n(?! )/)
    .map((section) => {
      const [heading, ...rest] = section.split('\n');
      return [heading, ...rest.sort()].join('\n');
    })
    .join('\n');
}
