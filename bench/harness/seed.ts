/** Data, made by the server itself: deterministic, so that every run measures the same rows. */
import type { Client } from 'pg';

export interface PairsSeed {
  /** Referencing partitions, each with its referenced partner. */
  readonly pairs: number;
  /** Referencing rows in all, the same number in each pair. */
  readonly rows: number;
  /** An index on the referencing columns from the start. */
  readonly index: boolean;
}

/** Partitions made in one transaction: each takes locks, and the lock table is bounded. */
const BATCH = 200;

/** Tables `inode` and `path` of many equal pairs, LIST-partitioned by a short text, and the valid parent FK. */
export async function seedPairs(client: Client, { pairs, rows, index }: PairsSeed): Promise<void> {
  await client.query(`
    CREATE TABLE inode (medium text NOT NULL, ino bigint NOT NULL, size bigint NOT NULL, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
    CREATE TABLE path (medium text NOT NULL, ino bigint NOT NULL, name text NOT NULL) PARTITION BY LIST (medium);
    ${index ? 'CREATE INDEX path_fk ON path (medium, ino);' : ''}
    -- Before the partitions: with them the parent FK would read them all, one by one.
    ALTER TABLE path ADD CONSTRAINT path_fkey FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE;`);
  const each = Math.ceil(rows / pairs);
  for (let first = 1; first <= pairs; first += BATCH) {
    const last = Math.min(pairs, first + BATCH - 1);
    await client.query(`
      DO $$
      BEGIN
        FOR i IN ${first}..${last} LOOP
          EXECUTE format('CREATE TABLE inode_%s PARTITION OF inode FOR VALUES IN (%L)', i, 'm' || i);
          EXECUTE format('CREATE TABLE path_%s PARTITION OF path FOR VALUES IN (%L)', i, 'm' || i);
          EXECUTE format('INSERT INTO inode_%s SELECT %L, g, g * 7919 %% 1048576 FROM generate_series(1::bigint, ${each}) g', i, 'm' || i);
        END LOOP;
      END $$`);
    // As a superuser may: the parent FK is right by construction, and asking it row by row would take most of the time.
    await client.query(`
      DO $$
      BEGIN
        SET LOCAL session_replication_role = replica;
        FOR i IN ${first}..${last} LOOP
          EXECUTE format('INSERT INTO path_%s SELECT %L, g, ''/raw/'' || g FROM generate_series(1, ${each}) g', i, 'm' || i);
        END LOOP;
      END $$`);
  }
  await client.query('VACUUM (ANALYZE) inode, path');
}
