/** The application's own account of what it has committed, to be compared with the tables. */
import type { Client } from 'pg';
import { baseName, inodesOf, medium, rowsOf, type Shape } from '../harness/case.ts';
import { ACCOUNTED } from '../harness/dba-pair.ts';

export interface File {
  size: number;
  readonly names: Set<string>;
}

/** Pair -> inode number -> file. One writer's share: nobody else touches these. */
export type Share = Map<number, Map<number, File>>;

/** What the template holds, dealt out to `writers` by inode number. */
export function initialShares(shape: Shape, writers: number): Share[] {
  const shares: Share[] = Array.from({ length: writers }, () => new Map());
  for (let pair = 1; pair <= shape.pairs; pair++) {
    const inodes = inodesOf(shape, pair);
    for (const share of shares) share.set(pair, new Map());
    const fileOf = (ino: number) => shares[ino % writers]?.get(pair);
    for (let ino = 1; ino <= inodes; ino++) fileOf(ino)?.set(ino, { size: 1, names: new Set() });
    for (let n = 1; n <= rowsOf(shape, pair); n++) {
      const ino = 1 + (n % inodes);
      fileOf(ino)?.get(ino)?.names.add(baseName(n));
    }
  }
  return shares;
}

/** Differences between the account and the tables, some of each kind; empty where they are equal. */
export async function compare(client: Client, shares: readonly Share[]): Promise<string[]> {
  const inodes = await client.query<{ line: string }>({
    text: `SELECT format('%s|%s|%s', medium, ino, size) AS line FROM inode WHERE ${ACCOUNTED}`,
  });
  const paths = await client.query<{ line: string }>(
    `SELECT format('%s|%s|%s', medium, ino, name) AS line FROM path WHERE ${ACCOUNTED}`,
  );
  const expected = { inode: new Set<string>(), path: new Set<string>() };
  for (const share of shares) {
    for (const [pair, files] of share) {
      for (const [ino, { size, names }] of files) {
        expected.inode.add(`${medium(pair)}|${ino}|${size}`);
        for (const name of names) expected.path.add(`${medium(pair)}|${ino}|${name}`);
      }
    }
  }
  return [...differences('inode', expected.inode, inodes.rows), ...differences('path', expected.path, paths.rows)];
}

function differences(table: string, expected: ReadonlySet<string>, rows: readonly { line: string }[]): string[] {
  const found = new Set(rows.map(({ line }) => line));
  const lost = [...expected].filter((line) => !found.has(line));
  const surplus = [...found].filter((line) => !expected.has(line));
  const some = (lines: readonly string[]) => lines.slice(0, 5).join(', ');
  return [
    ...(lost.length > 0 ? [`${table}: ${lost.length} committed row(s) are not there: ${some(lost)}`] : []),
    ...(surplus.length > 0 ? [`${table}: ${surplus.length} row(s) that nobody committed: ${some(surplus)}`] : []),
    ...(rows.length !== found.size ? [`${table}: ${rows.length - found.size} row(s) twice`] : []),
  ];
}
