/** Small cases of `path` and `inode`, each a template database that a schedule clones, and what they look like migrated. */
import type { Client } from 'pg';

export interface Shape {
  readonly pairs: number;
  /** Rows of `path` in the largest pair; the k-th has a k-th of it. */
  readonly rows: number;
  readonly onDelete: 'CASCADE' | 'NO ACTION';
  readonly deferred: boolean;
}

/** What the schedules choose from. `large` is the one whose statements take long enough to be struck in the middle. */
export const SHAPES = {
  tiny: { pairs: 2, rows: 200, onDelete: 'CASCADE', deferred: false },
  small: { pairs: 3, rows: 2_000, onDelete: 'CASCADE', deferred: false },
  wide: { pairs: 6, rows: 400, onDelete: 'CASCADE', deferred: false },
  strict: { pairs: 3, rows: 400, onDelete: 'NO ACTION', deferred: true },
  large: { pairs: 2, rows: 40_000, onDelete: 'CASCADE', deferred: false },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;

export const TABLE = 'public.path';

export const medium = (pair: number): string => `medium ${pair}`;
/** As SQL writes them; one has to be quoted. */
export const pathPartition = (pair: number): string => (pair === 2 ? '"Path 2"' : `path_${pair}`);
export const inodePartition = (pair: number): string => `inode_${pair}`;

export const rowsOf = ({ rows }: Shape, pair: number): number => Math.max(40, Math.floor(rows / pair));
export const inodesOf = (shape: Shape, pair: number): number => Math.ceil(rowsOf(shape, pair) / 2);

/** The name of the n-th path of a pair as it was before the application began. */
export const baseName = (n: number): string => `base ${n}`;

/**
 * Tables, rows and parent FK. `inode_spare` has no partner, no index serves the foreign key, and the second pair had a
 * foreign key of its own before the parent FK took it over. Schema `app` is the application's own bookkeeping.
 */
export function sqlOf(shape: Shape): string {
  const actions = `ON DELETE ${shape.onDelete}${shape.deferred ? ' DEFERRABLE INITIALLY DEFERRED' : ''}`;
  const references = `FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ${actions}`;
  const pairs = Array.from({ length: shape.pairs }, (_, index) => index + 1);
  return `
    CREATE SCHEMA app;
    CREATE TABLE app.done (writer int, n bigint, PRIMARY KEY (writer, n));
    CREATE TABLE inode (medium text, ino bigint, size bigint NOT NULL, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
    CREATE TABLE path (medium text NOT NULL, ino bigint NOT NULL, name text NOT NULL, PRIMARY KEY (medium, name)) PARTITION BY LIST (medium);
    CREATE TABLE inode_spare PARTITION OF inode FOR VALUES IN ('spare');
    ${pairs
      .map(
        (pair) => `
    CREATE TABLE ${inodePartition(pair)} PARTITION OF inode FOR VALUES IN ('${medium(pair)}');
    CREATE TABLE ${pathPartition(pair)} PARTITION OF path FOR VALUES IN ('${medium(pair)}');
    INSERT INTO inode SELECT '${medium(pair)}', n, 1 FROM generate_series(1, ${inodesOf(shape, pair)}) AS n;
    INSERT INTO path SELECT '${medium(pair)}', 1 + n % ${inodesOf(shape, pair)}, 'base ' || n FROM generate_series(1, ${rowsOf(shape, pair)}) AS n;`,
      )
      .join('')}
    ALTER TABLE ${pathPartition(2)} ADD CONSTRAINT path_2_own ${references};
    ALTER TABLE path ADD CONSTRAINT path_fk ${references};
    COMMENT ON CONSTRAINT path_fk ON path IS 'every path''s inode';
    ANALYZE;`;
}

/** VACUUM gives no space back under ACCESS EXCLUSIVE, which would be replayed on a standby as a lock of ours is. */
export const NO_TRUNCATION = 'vacuum_truncate=off';

/**
 * The guard carries the number of its migration, which depends on how many there were before; and what the suite itself has set for
 * the sake of a standby is left out.
 */
export function withoutMigrationNumber(snapshot: string): string {
  return snapshot
    .replaceAll(/p2pfk_row_movement_guard_\d+/g, 'p2pfk_row_movement_guard')
    .replaceAll(` options {${NO_TRUNCATION}}`, ' options ');
}

/** oids of the leaves of each pair, and of the two tables. */
export interface Oids {
  readonly pairs: readonly { readonly path: number; readonly inode: number }[];
  readonly path: number;
  readonly inode: number;
}

export async function readOids(client: Client, { pairs }: Shape): Promise<Oids> {
  const oid = async (name: string) => {
    const { rows } = await client.query<{ oid: number }>('SELECT to_regclass($1)::oid AS oid', [name]);
    return rows[0]?.oid ?? 0;
  };
  const leaves: { path: number; inode: number }[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    leaves.push({ path: await oid(pathPartition(pair)), inode: await oid(inodePartition(pair)) });
  }
  return { pairs: leaves, path: await oid('path'), inode: await oid('inode') };
}
