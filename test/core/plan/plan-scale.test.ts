/**
 * What a plan reads in the catalog grows with the number of pairs, not with its square. Counted by auto_explain, not timed: rows that
 * each node of each query's plan has read, and thrown away.
 */
import { expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { countRowsRead } from '../../support/rows-read.ts';
import { coreSession, databaseWith } from '../case.helpers.ts';

const PAIRS = 150;
/** A node reads the partitions of both tables, their triggers (four of each foreign key's) and columns, or PostgreSQL's own 3,300 functions. */
const MOST_ROWS = 40 * PAIRS + 4_000;

const TABLES = `
  CREATE TABLE inode (medium text NOT NULL, ino bigint NOT NULL, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE path (medium text NOT NULL, ino bigint NOT NULL, name text NOT NULL) PARTITION BY LIST (medium);
  CREATE INDEX ON path (medium, ino);
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE;
  DO $$ BEGIN
    FOR i IN 1..${PAIRS} LOOP
      EXECUTE format('CREATE TABLE inode_%s PARTITION OF inode FOR VALUES IN (%L)', i, i);
      EXECUTE format('CREATE TABLE path_%s PARTITION OF path FOR VALUES IN (%L)', i, i);
    END LOOP;
  END $$;
  ANALYZE`;

/** Catalogs of a few pages that do not grow with the tables: a scan of one is as fast as its index. */
const SMALL = ['pg_opclass', 'pg_namespace', 'pg_am'];

it('a plan of many pairs reads the catalog a fixed number of times for each', async () => {
  const { db } = await databaseWith(TABLES);
  const session = await coreSession(db.url);
  const read = await countRowsRead(session);

  const { pairs } = await planMigration(session, ExecutionInput.parse({ table: 'path', allowBlockingRollback: true }));

  expect(pairs).toHaveLength(PAIRS);
  expect(new Set(read.map(({ query }) => query)).size).toBeGreaterThan(10);
  const tooMany = read.filter(({ relation = '', rows }) => !SMALL.includes(relation) && rows > MOST_ROWS);
  expect(tooMany).toEqual([]);
});
