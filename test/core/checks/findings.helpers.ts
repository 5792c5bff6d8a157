/** Two small tables in a schema of their own, and what preflight finds on them. */
import type { Client } from 'pg';
import { afterAll, beforeAll, expect } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

/** One database for a test file: `db`, a plain session and one of core's, there from `beforeAll` on. */
export interface FindingsCase {
  db: TestDatabase;
  client: Client;
  core: Client;
}

/** Registers the hooks that make and drop it. */
export function findingsCase(): FindingsCase {
  const made = {} as FindingsCase;
  beforeAll(async () => {
    made.db = await createDatabase('empty');
    made.client = await made.db.client();
    made.core = await connect({ databaseUrl: made.db.url, applicationName: 'p2pfk/-/test' });
  });
  afterAll(async () => {
    await made.core.end();
    await made.db.drop();
  });
  return made;
}

let schemas = 0;

/** Tables with the partitions 1 and 2 each; `more` comes before the foreign key, `last` after it. Returns their schema. */
export async function makeTables(
  { client }: FindingsCase,
  options: { more?: string; last?: string; actions?: string } = {},
): Promise<string> {
  const { more = '', last = '', actions = '' } = options;
  const schema = `case_${++schemas}`;
  await client.query(`
    CREATE SCHEMA ${schema}; SET search_path = ${schema};
    CREATE TABLE r (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
    CREATE TABLE p (k int DEFAULT 1, id int) PARTITION BY LIST (k);
    CREATE TABLE r_1 PARTITION OF r FOR VALUES IN (1);
    CREATE TABLE r_2 PARTITION OF r FOR VALUES IN (2);
    CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
    CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2);
    INSERT INTO r SELECT k, id FROM generate_series(1, 2) AS k, generate_series(1, 20) AS id;
    ${more}
    ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r (k, id) ${actions};
    ${last}`);
  return schema;
}

export function planOf({ core }: FindingsCase, schema: string, values: Record<string, unknown> = {}) {
  return planMigration(core, ExecutionInput.parse({ table: `${schema}.p`, ...values }));
}

/** Matches a finding. */
export function having(id: string, severity: string, message: RegExp) {
  return expect.objectContaining({
    id,
    severity,
    message: expect.stringMatching(message),
    remedy: expect.stringMatching(/\w/),
  });
}
