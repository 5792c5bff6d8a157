/**
 * The row-movement guard refuses an UPDATE exactly where PostgreSQL would route the row to another leaf, or to none: for drawn
 * trees of partitions, made under an application's hostile search_path, asked by a role that has no right on any type, and
 * made once more in another database by the text that pg_dump writes. See property.test.ts for how to replay a failure.
 */
import fc from 'fast-check';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Guard } from '../../core/catalog/row-movement-guard.ts';
import { connect } from '../../core/ledger/connect.ts';
import { newLedger } from '../../core/ledger/schema/make-ledger.ts';
import { run } from '../../core/postgres/sql.ts';
import { type MatrixDatabase, type MatrixServer, startServer } from '../matrix/server.helpers.ts';
import { majorUnderTest } from '../matrix/version.helpers.ts';
import { type DrawnTree, HOSTILE, PREPARATION, treeArbitrary } from './drawn-tree.ts';

const runs = Number(process.env.P2PFK_RUNS ?? 10);
const seed = Number(process.env.P2PFK_SEED ?? 20_261_126);
const path = process.env.P2PFK_PATH;

/** For each row and each drawn key: where the UPDATE ends, which has to be where that key is routed, or in the guard. */
const CHECK = `
  CREATE FUNCTION moves() RETURNS TABLE (leaf text, key int, goes text, did text) LANGUAGE plpgsql AS $moves$
  DECLARE row record; wanted record; now text;
  BEGIN
    FOR row IN SELECT r.id, r.tableoid::regclass::text AS leaf FROM r ORDER BY 1 LOOP
      FOR wanted IN SELECT * FROM wanted ORDER BY n LOOP
        BEGIN
          EXECUTE 'UPDATE r SET (COLUMNS) = (SELECT COLUMNS FROM wanted WHERE n = $1) WHERE id = $2' USING wanted.n, row.id;
          SELECT r.tableoid::regclass::text INTO now FROM r WHERE r.id = row.id;
          RAISE EXCEPTION USING ERRCODE = 'P0002';
        EXCEPTION
          WHEN no_data_found THEN NULL;
          WHEN foreign_key_violation THEN now := 'refused';
        END;
        IF (now = 'refused') <> (wanted.leaf IS DISTINCT FROM row.leaf) OR now <> 'refused' AND now <> row.leaf THEN
          leaf := row.leaf; key := wanted.n; goes := wanted.leaf; did := now;
          RETURN NEXT;
        END IF;
      END LOOP;
    END LOOP;
  END $moves$`;

/** A tree with a row wherever a drawn key has a partition, and in \`wanted\` every key with the leaf that it is routed to. */
async function grow(client: Client, { statements, keys, columns }: DrawnTree): Promise<number> {
  await client.query('DROP TABLE IF EXISTS r, wanted; DROP FUNCTION IF EXISTS moves');
  const [root = '', ...parts] = statements;
  // 13 has no hash operator class for row types: there is no such tree then.
  await client.query(`DO $do$ BEGIN ${root}; EXCEPTION WHEN undefined_object THEN NULL; END $do$`);
  const { rows: made } = await client.query("SELECT to_regclass('r') IS NOT NULL AS made");
  if (made[0]?.made !== true) return 0;
  for (const sql of parts) await client.query(`DO $do$ BEGIN ${sql}; EXCEPTION WHEN OTHERS THEN NULL; END $do$`);
  const names = columns.map((_, n) => `k${n}`).join(', ');
  await client.query(`CREATE TABLE wanted AS SELECT 0 AS n, NULL::text AS leaf, ${names} FROM r WHERE false`);
  for (const [n, key] of keys.entries())
    await client.query(`
      INSERT INTO wanted (n, ${names}) VALUES (${n}, ${key});
      DO $do$ BEGIN INSERT INTO r (id, ${names}) VALUES (${n}, ${key}); EXCEPTION WHEN check_violation THEN NULL; END $do$`);
  await client.query(`UPDATE wanted SET leaf = r.tableoid::regclass FROM r WHERE r.id = n`);
  await client.query(CHECK.replaceAll('COLUMNS', names));
  await client.query('GRANT SELECT ON wanted TO bare; GRANT SELECT, UPDATE ON r TO bare');
  return (await client.query('SELECT DISTINCT leaf FROM wanted WHERE leaf IS NOT NULL')).rows.length;
}

async function guardsOf(core: Client): Promise<Guard[]> {
  const leaves = await core.query(
    `SELECT c.oid::bigint AS referenced_oid, row_number() OVER ()::int AS pair FROM pg_partition_tree('public.r') t JOIN pg_class c ON c.oid = t.relid WHERE t.isleaf AND c.relkind = 'r'`,
  );
  return run(core, 'statements/create-row-movement-guard', {
    referencing_oid: 0,
    referenced_oid: 0,
    migration_id: '7',
    pairs: leaves.rows,
  });
}

let server: MatrixServer;
let first: MatrixDatabase;
let second: MatrixDatabase;
let core: Client;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
  second = await server.database('CREATE TABLE so_that_oids_differ (); CREATE ROLE bare;');
  first = await server.database('');
  for (const { observer } of [first, second]) await observer.query(`${PREPARATION} ${HOSTILE} ${newLedger()}`);
  core = await connect({ databaseUrl: first.url, applicationName: 'p2pfk/-/property' });
}, 60_000);
afterAll(async () => {
  await core?.end();
  await first?.drop();
  await second?.drop();
  await server?.stop();
});

it(`the guard refuses what would leave its leaf, and nothing else: ${runs} trees, seed ${seed}`, {
  timeout: 60_000 + runs * 60_000,
}, async () => {
  let trees = 0;
  const property = fc.asyncProperty(treeArbitrary(), async (tree) => {
    if ((await grow(first.observer, tree)) === 0) return;
    trees++;
    await first.observer.query('SET search_path = hostile, pg_catalog, public');
    const guards = await guardsOf(core);
    for (const { sql } of guards) await first.observer.query(sql);
    await first.observer.query('RESET search_path');

    // A DEFAULT partition asks at run time, which takes the right to name the types of its siblings' bounds; and PostgreSQL
    // cannot read a domain over an enum as it prints it.
    const asking = guards.filter(({ asks }) => asks).map(({ relation }) => relation.replace('public.', ''));
    const mismatches = async (client: Client, over: boolean) => {
      const { rows } = await client.query<{ leaf: string; did: string }>('SELECT * FROM moves()');
      return rows.filter(({ leaf, did }) => !(over && did === 'refused' && asking.includes(leaf)));
    };
    const unreadable = tree.columns.some(({ type }) => type === 'tt.tiers');
    expect(await mismatches(first.observer, unreadable)).toEqual([]);
    expect((await guardsOf(core)).filter(({ same, firing }) => !same || firing !== 'O')).toEqual([]);

    await first.observer.query("SET ROLE bare; SET extra_float_digits = -15; SET DateStyle = 'SQL, DMY'");
    expect(await mismatches(first.observer, true)).toEqual([]);
    await first.observer.query('RESET ROLE; RESET extra_float_digits; RESET DateStyle');

    await grow(second.observer, tree);
    const texts = await core.query<{ sql: string }>(
      `SELECT pg_get_triggerdef(oid) AS sql FROM pg_trigger WHERE tgname = '~p2pfk_row_movement_guard_7'`,
    );
    for (const { sql } of texts.rows) await second.observer.query(sql);
    expect(await mismatches(second.observer, unreadable)).toEqual([]);
  });
  await fc.assert(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });
  expect(trees).toBeGreaterThan(runs / 3);
});
