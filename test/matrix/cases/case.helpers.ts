/**
 * Small schemas at the borders, in `schemas/*.sql`: each says in its head what must happen. A file `<topic>.cases.ts` beside this
 * one exports `cases`, and cases.test.ts runs them on the oldest and the newest version that can show them:
 *
 *   npx vitest run --config vitest.matrix.config.ts --project postgres-18 test/matrix/cases
 */
import { readFileSync } from 'node:fs';
import type { Client } from 'pg';
import type { LocalInput } from '../../../local/executions.ts';
import type { PostgresMajor } from '../../../scripts/install-postgres.ts';
import { type Ending, execute } from '../migration.helpers.ts';
import type { MatrixDatabase, MatrixServer } from '../server.helpers.ts';

export interface CaseRun {
  /** Its URL and its `observer` are the superuser's. */
  readonly db: MatrixDatabase;
  /** The referencing table, as the schema's head names it. */
  readonly table: string;
  readonly major: PostgresMajor;
  /** Runs an execution of the table as the superuser, or with `role` as that role, which then logs in itself. */
  migrate(input?: Partial<LocalInput>, role?: string): Promise<Ending>;
  /** The database as a role that the schema has made. */
  as(role: string): Promise<MatrixDatabase>;
  /** The first value of the first row. */
  value(sql: string): Promise<unknown>;
}

export interface Case {
  /** Name of the file in `schemas/`, without `.sql`. */
  readonly schema: string;
  /** What must happen, in a sentence. */
  readonly title: string;
  /** First and last major version that can show it. */
  readonly since?: PostgresMajor;
  readonly until?: PostgresMajor;
  /** Options of CREATE DATABASE, in place of those of the schema. */
  readonly database?: string;
  run(run: CaseRun): Promise<void>;
}

interface Schema {
  readonly sql: string;
  readonly table: string;
  /** Options of CREATE DATABASE; empty where the schema needs none. */
  readonly database: string;
}

function readSchema(name: string): Schema {
  const sql = readFileSync(new URL(`schemas/${name}.sql`, import.meta.url), 'utf8');
  const head = (key: string) => new RegExp(`^-- ${key}: (.*)$`, 'm').exec(sql)?.[1] ?? '';
  const database = head('database');
  return { sql, table: head('table'), database: database.startsWith('ENCODING') ? database : '' };
}

/** Runs one case in a database of its own. */
export async function runCase(server: MatrixServer, one: Case): Promise<void> {
  const { sql, table, database } = readSchema(one.schema);
  const db = await server.database(sql, one.database ?? database);
  try {
    const as = (role: string) => roleDatabase(db, role);
    await one.run({
      db,
      table,
      major: server.major,
      as,
      migrate: async (input = {}, role) => execute(role === undefined ? db : await as(role), { table, ...input }),
      value: (query) => firstValue(db.observer, query),
    });
  } finally {
    await db.drop();
  }
}

async function roleDatabase(db: MatrixDatabase, role: string): Promise<MatrixDatabase> {
  await db.observer.query(`ALTER ROLE ${role} PASSWORD '${role}'`);
  const url = new URL(db.url);
  url.username = role;
  url.password = role;
  return { ...db, url: url.href };
}

async function firstValue(client: Client, sql: string): Promise<unknown> {
  const { rows } = await client.query<Record<string, unknown>>(sql);
  return Object.values(rows[0] ?? {})[0];
}
