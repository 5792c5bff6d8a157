/**
 * What a plan reads in the catalog grows with the number of pairs, not with its square. Counted by auto_explain, not timed: rows that
 * each node of each query's plan has read, and thrown away.
 */
import { expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
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

/** A node of EXPLAIN (ANALYZE, FORMAT JSON), in the parts that are read here. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Relation Name'?: string;
  readonly 'CTE Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

it('a plan of many pairs reads the catalog a fixed number of times for each', async () => {
  const { db } = await databaseWith(TABLES);
  const session = await coreSession(db.url);
  const explained: string[] = [];
  session.on('notice', ({ message }) => {
    if (message?.includes('"Plan"')) explained.push(message);
  });
  await session.query(`LOAD 'auto_explain';
    SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off;
    SET auto_explain.log_format = json; SET auto_explain.log_level = notice; SET client_min_messages = notice`);

  const { pairs } = await planMigration(session, ExecutionInput.parse({ table: 'path', allowBlockingRollback: true }));

  expect(pairs).toHaveLength(PAIRS);
  expect(explained.length).toBeGreaterThan(10);
  const tooMany = explained.flatMap((message) => {
    const { Plan: plan, 'Query Text': text } = JSON.parse(message.slice(message.indexOf('{'))) as {
      Plan: PlanNode;
      'Query Text': string;
    };
    return nodesOf(plan)
      .filter((node) => !SMALL.includes(node['Relation Name'] ?? ''))
      .map((node) => ({
        query: text.slice(0, 100),
        node: [node['Node Type'], node['Relation Name'] ?? node['CTE Name']].filter(Boolean).join(' on '),
        rows:
          node['Actual Loops'] *
          (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0)),
      }))
      .filter(({ rows }) => rows > MOST_ROWS);
  });
  expect(tooMany).toEqual([]);
});
