/** Small databases in which a whole migration can be told, each its own, gone after the test that made it. */
import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { connect } from '../../core/ledger/connect.ts';
import { catalogSnapshot, rowsSnapshot } from '../support/catalog.ts';
import type { TestDatabase } from '../support/database.ts';
import { cloneOf, sourceOf } from './clones.helpers.ts';

/**
 * `path` references `inode` in three pairs, the first the largest; `inode_4` has no partner, no index serves the foreign
 * key, and `path_2` had a foreign key with a name of its own before the parent FK took it over.
 */
export const THREE_PAIRS = `
  CREATE TABLE inode (medium text, ino bigint, size int, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE path (medium text NOT NULL, ino bigint, name text NOT NULL) PARTITION BY LIST (medium);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('one');
  CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN ('two');
  CREATE TABLE inode_3 PARTITION OF inode FOR VALUES IN ('three');
  CREATE TABLE inode_4 PARTITION OF inode FOR VALUES IN ('four');
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('one');
  CREATE TABLE path_2 PARTITION OF path FOR VALUES IN ('two');
  CREATE TABLE path_3 PARTITION OF path FOR VALUES IN ('three');
  INSERT INTO inode SELECT medium, ino, 1 FROM unnest(ARRAY['one', 'two', 'three', 'four']) AS medium, generate_series(1, 40) AS ino;
  INSERT INTO path SELECT 'one', 1 + n % 40, 'a name ' || n FROM generate_series(1, 400) AS n;
  INSERT INTO path SELECT medium, ino, 'a name' FROM inode WHERE medium IN ('two', 'three') AND ino <= 20;
  ALTER TABLE path_2 ADD CONSTRAINT path_2_own FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE;
  COMMENT ON CONSTRAINT path_fk ON path IS 'every path''s "inode"';
  ANALYZE;`;

export interface TestCase {
  readonly db: TestDatabase;
  /** A plain session that looks; it takes no part. */
  readonly observer: Client;
}

/** A database whose tables `sql` makes; the handlers find it in DATABASE_URL until the test ends. */
export async function databaseWith(sql: string = THREE_PAIRS): Promise<TestCase> {
  const source = await sourceOf(sql, async (db) => {
    await (await db.client()).query(sql);
  });
  return useDatabase(await cloneOf(source));
}

/** Makes it the database that handlers find, until the test ends and it is dropped. */
export async function useDatabase(db: TestDatabase): Promise<TestCase> {
  const restore = findDatabaseAt(db.url);
  onTestFinished(async () => {
    restore();
    await db.drop();
  });
  return { db, observer: await db.client() };
}

/** From now on handlers find that database; what is returned undoes it. */
export function findDatabaseAt(url: string): () => void {
  const before = process.env.DATABASE_URL;
  process.env.DATABASE_URL = url;
  return () => {
    if (before === undefined) delete process.env.DATABASE_URL;
    else process.env.DATABASE_URL = before;
  };
}

/** A session as the core opens it, ended after the test. */
export async function coreSession(url: string): Promise<Client> {
  const client = await connect({ databaseUrl: url, applicationName: 'p2pfk/-/test' });
  onTestFinished(() => client.end());
  return client;
}

/** Schema and rows, but for the ledger. */
export async function everything(observer: Client): Promise<string> {
  return `${await catalogSnapshot(observer)}\n${await rowsSnapshot(observer)}`;
}

/** Foreign keys that nobody derived from another, as `table name definition valid`. */
export async function foreignKeys(observer: Client): Promise<string[]> {
  const { rows } = await observer.query<{ line: string }>(
    `SELECT format('%s %s %s valid %s', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated) AS line
     FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND connamespace <> ALL (SELECT oid FROM pg_namespace WHERE nspname = 'p2pfk') ORDER BY 1`,
  );
  return rows.map(({ line }) => line);
}

/** Rows that no foreign key lets in, as a replica applies them. */
export async function smuggle(client: Client, sql: string): Promise<void> {
  await client.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}; COMMIT`);
}

/** A new ARN of a local execution. */
export function executionArn(): string {
  return `arn:aws:states:local:000000000000:execution:p2pfk:${randomUUID()}`;
}

/** The only row of a query. */
export async function oneRow<Row>(client: Client, sql: string, values: unknown[] = []): Promise<Row> {
  const { rows } = await client.query(sql, values);
  if (rows.length !== 1) throw new Error(`${rows.length} rows instead of one: ${sql}`);
  return rows[0] as Row;
}
