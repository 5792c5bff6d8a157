/** Pairs of partitions that come and go by a person's hand, beside those of the shape. */
export interface DbaPair {
  readonly n: number;
  readonly createdUnderParent: boolean;
  /** null: it is attached. */
  readonly detached: { readonly underParent: boolean } | null;
}

interface Names {
  readonly referencing: string;
  readonly referenced: string;
  /** With one row on each side. */
  readonly createSql: string;
}

/** After all other bounds, so that the names which PostgreSQL numbers are those of a table without it. */
export function dbaPair(n: number): Names {
  const [referencing, referenced, key] = [`path_dba_${n}`, `inode_dba_${n}`, `zz ${n}`];
  const createSql = `
    CREATE TABLE ${referenced} PARTITION OF inode FOR VALUES IN ('${key}');
    CREATE TABLE ${referencing} PARTITION OF path FOR VALUES IN ('${key}');
    INSERT INTO inode VALUES ('${key}', 1, 1);
    INSERT INTO path VALUES ('${key}', 1, 'dba');`;
  return { referencing, referenced, createSql };
}

/** Rows of the application's account: those of such a pair have none. */
export const ACCOUNTED = "medium !~ '^zz '";

/** A catalog without such pairs: they are judged by themselves. */
export function withoutDbaPairs(snapshot: string): string {
  return snapshot
    .split('\n')
    .filter((line) => !/_dba_\d/.test(line))
    .join('\n');
}
