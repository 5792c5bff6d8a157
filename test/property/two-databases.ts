/** The same statements on two databases: one with the parent FK as it was, one migrated. */
import type { Client } from 'pg';
import { sqlStateOf } from '../../core/postgres/postgres-errors.ts';
import type { DrawnSchema, Side } from './drawn-schema.ts';
import { type DrawnTransaction, type Routes, renderStatement, routeKey } from './drawn-statements.ts';
import { allKeys, literal, namesOf } from './render-schema.ts';

/** What became of one transaction: `COMMIT`, or where it was refused and with which SQLSTATE; rows each statement touched. */
export interface Outcome {
  readonly end: string;
  readonly rows: readonly (number | null)[];
}

/** @param keep COMMIT, else everything is taken back after deferred constraints had their say */
export async function runTransaction(
  client: Client,
  drawn: DrawnSchema,
  { deferred, statements }: DrawnTransaction,
  keep: boolean,
): Promise<Outcome> {
  const rows: (number | null)[] = [];
  let at = 'BEGIN';
  await client.query('BEGIN');
  try {
    if (deferred) await client.query('SET CONSTRAINTS ALL DEFERRED');
    for (const statement of statements) {
      at = renderStatement(drawn, statement);
      rows.push((await client.query(at)).rowCount);
    }
    at = 'COMMIT';
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
    await client.query(keep ? 'COMMIT' : 'ROLLBACK');
    return { end: 'COMMIT', rows };
  } catch (error) {
    await client.query('ROLLBACK');
    const state = sqlStateOf(error);
    if (state === undefined) throw error;
    return { end: `${state} at ${at}`, rows };
  }
}

/** Rows of both tables and the partition of each, as text. */
export async function allRows(client: Client, drawn: DrawnSchema): Promise<string> {
  const { referenced, referencing } = namesOf(drawn);
  const texts: string[] = [];
  for (const table of [referenced, referencing]) {
    const { rows } = await client.query<{ line: string }>(
      `SELECT t.tableoid::regclass || ' ' || t AS line FROM ${table} AS t ORDER BY 1`,
    );
    texts.push(rows.map(({ line }) => line).join('\n'));
  }
  return texts.join('\n\n');
}

/** Asks PostgreSQL where each key would go. */
export async function readRoutes(client: Client, drawn: DrawnSchema): Promise<Routes> {
  const names = namesOf(drawn);
  const routes = { referenced: new Map<string, string | null>(), referencing: new Map<string, string | null>() };
  for (const side of ['referenced', 'referencing'] as const satisfies readonly Side[]) {
    const [k, ino] = names.columns[side];
    const keys = allKeys(drawn);
    const attempts = keys.map(
      (key, n) => `
      BEGIN
        INSERT INTO ${names[side]} (${k}, ${ino}) VALUES (${literal(drawn, side, key[0])}, ${key[1] ?? 'NULL'}) RETURNING tableoid INTO leaf;
        leaves[${n}] := (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = leaf);
        RAISE EXCEPTION USING ERRCODE = 'P0002';
      EXCEPTION WHEN no_data_found OR integrity_constraint_violation OR not_null_violation OR check_violation THEN
      END;`,
    );
    // All rows out of the way, and no foreign key: only the bounds have a say. Taken back at the end.
    await client.query(`BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM ${names[side]};
      DO $do$ DECLARE leaf oid; leaves text[] := array_fill(NULL::text, ARRAY[${keys.length}], ARRAY[0]); BEGIN ${attempts.join('')}
        PERFORM set_config('drawn.leaves', to_json(leaves)::text, true); END $do$`);
    const { rows } = await client.query<{ leaves: (string | null)[] }>(
      `SELECT current_setting('drawn.leaves')::json AS leaves`,
    );
    await client.query('ROLLBACK');
    keys.forEach((key, n) => {
      routes[side].set(routeKey(key), rows[0]?.leaves[n] ?? null);
    });
  }
  return routes;
}
