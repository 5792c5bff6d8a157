/** Databases that have been migrated, for what comes after: cloned from one that the test file made once. */
import type { Client } from 'pg';
import type { ProvisionRequest } from '../../../core/provision/provision-pair.ts';
import { coreSession, findDatabaseAt, type TestCase, useDatabase } from '../case.helpers.ts';
import { cloneOf, sourceOf } from '../clones.helpers.ts';
import { Execution } from '../execution.helpers.ts';

/** Three pairs, `inode_four` without a partner; names tell bounds, nothing serves the foreign key. */
export const NAMED_PAIRS = `
  CREATE TABLE inode (medium text, ino bigint, size int, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE path (medium text NOT NULL, ino bigint, name text NOT NULL) PARTITION BY LIST (medium);
  CREATE TABLE inode_one PARTITION OF inode FOR VALUES IN ('one');
  CREATE TABLE inode_two PARTITION OF inode FOR VALUES IN ('two');
  CREATE TABLE inode_three PARTITION OF inode FOR VALUES IN ('three');
  CREATE TABLE inode_four PARTITION OF inode FOR VALUES IN ('four');
  CREATE TABLE path_one PARTITION OF path FOR VALUES IN ('one');
  CREATE TABLE path_two PARTITION OF path FOR VALUES IN ('two');
  CREATE TABLE path_three PARTITION OF path FOR VALUES IN ('three');
  INSERT INTO inode SELECT medium, ino, 1 FROM unnest(ARRAY['one', 'two', 'three', 'four']) AS medium, generate_series(1, 20) AS ino;
  INSERT INTO path SELECT medium, ino, 'a name' FROM inode WHERE medium <> 'four';
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE;`;

export interface MigratedCase extends TestCase {
  /** A session as the core opens it. */
  readonly core: Client;
  readonly migrationId: string;
}

/** The tables that `sql` makes, migrated by the real handlers; `table` is the referencing one. */
export async function migrated(sql = NAMED_PAIRS, input: Record<string, unknown> = {}): Promise<MigratedCase> {
  const source = await sourceOf(`${sql} ${JSON.stringify(input)}`, async (db) => {
    await (await db.client()).query(sql);
    const restore = findDatabaseAt(db.url);
    const execution = new Execution();
    await execution.migrate('VerifyMigration', input);
    restore();
    return { migrationId: execution.migrationId };
  });
  const testCase = await useDatabase(await cloneOf(source));
  return { ...testCase, core: await coreSession(testCase.db.url), migrationId: source.made.migrationId };
}

/** One column of a query's rows. */
export async function column<Value = string>(client: Client, sql: string, values: unknown[] = []): Promise<Value[]> {
  const { rows } = await client.query<Record<string, Value>>(sql, values);
  return rows.map((row) => Object.values(row)[0] as Value);
}

/** What stands on one referencing partition: foreign keys of its own, whether they hold, and its indexes. */
export async function standingOn(observer: Client, partition: string) {
  return {
    foreignKeys: await column(
      observer,
      `SELECT format('%s: %s, valid %s, triggers %s', conname, pg_get_constraintdef(c.oid), convalidated,
                     (SELECT count(*) FILTER (WHERE tgenabled = 'O') FROM pg_trigger g WHERE g.tgconstraint = c.oid))
         FROM pg_constraint c WHERE conrelid = $1::regclass AND contype = 'f' AND conparentid = 0 ORDER BY 1`,
      [partition],
    ),
    indexes: await column(
      observer,
      `SELECT format('%s valid %s', pg_get_indexdef(indexrelid), indisvalid) FROM pg_index WHERE indrelid = $1::regclass ORDER BY 1`,
      [partition],
    ),
  };
}

/** `FOR VALUES ...` of a partition, and the table that it belongs to. */
export async function partitionOf(observer: Client, partition: string): Promise<string> {
  const [line] = await column(
    observer,
    `SELECT format('%s %s', i.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid))
       FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.oid = $1::regclass`,
    [partition],
  );
  return line ?? '';
}

/** For `path`, with a second for the locks. */
export const request = (bound: string, more: Partial<ProvisionRequest> = {}): ProvisionRequest => ({
  table: 'path',
  bound,
  dryRun: false,
  lockTimeoutMs: 10_000,
  ...more,
});

/** The bound of a pair that is not there yet; the names follow from it. */
export const FIVE = "FOR VALUES IN ('five')";
