/** A migrated database, and copies of it as a dump, a template and a snapshot make them. */
import { Client } from 'pg';
import { inject, onTestFinished } from 'vitest';
import { newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { findDatabaseAt } from '../case.helpers.ts';
import { cloneOf, sourceOf } from '../clones.helpers.ts';
import { Execution } from '../execution.helpers.ts';

/** Two tables that reference `inode`, in two pairs each. Beside the FKs this is all of the schema. */
const TABLES = {
  inode: `CREATE TABLE inode (medium text, ino bigint, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
          CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('one');
          CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN ('two');`,
  path: `CREATE TABLE path (medium text NOT NULL, ino bigint) PARTITION BY LIST (medium);
         CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('one');
         CREATE TABLE path_2 PARTITION OF path FOR VALUES IN ('two');`,
  other: `CREATE TABLE other (medium text NOT NULL, ino bigint) PARTITION BY LIST (medium);
          CREATE TABLE other_1 PARTITION OF other FOR VALUES IN ('one');
          CREATE TABLE other_2 PARTITION OF other FOR VALUES IN ('two');`,
} as const;

const FOREIGN_KEYS = ['path', 'other']
  .map((t) => `ALTER TABLE ${t} ADD CONSTRAINT ${t}_fk FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE;`)
  .join('\n');

const ROWS = ['inode', 'path', 'other']
  .map((t) => `INSERT INTO ${t} SELECT m, i FROM unnest(ARRAY['one', 'two']) m, generate_series(1, 5) i;`)
  .join('\n');

export interface Place {
  readonly db: TestDatabase;
  readonly observer: Client;
}

/** Made by hand: the shared clones are linked to themselves. */
async function place(...sql: readonly string[]): Promise<Place> {
  const db = await createDatabase('empty');
  onTestFinished(() => db.drop());
  const observer = await db.client();
  for (const text of sql) await observer.query(text);
  return { db, observer };
}

/** `path` is migrated, or as far as `last`. Made once a test file, and cloned for each test. */
export async function migratedPath(
  last: 'ValidateForeignKeys' | 'VerifyMigration' = 'VerifyMigration',
): Promise<Place & { readonly execution: Execution }> {
  const source = await sourceOf(`path until ${last}`, async (db) => {
    await (await db.client()).query([TABLES.inode, TABLES.path, TABLES.other, ROWS, FOREIGN_KEYS].join('\n'));
    const made = new Execution();
    const restore = findDatabaseAt(db.url);
    await made.migrate(last);
    restore();
    return made;
  });
  const db = await cloneOf(source);
  onTestFinished(() => db.drop());
  const execution = new Execution(source.made.arn);
  Object.assign(execution, { migrationId: source.made.migrationId, pairs: source.made.pairs });
  return { db, observer: await db.client(), execution };
}

/** Makes a ledger of version 5 of the newest one, but for its functions. */
export const TO_VERSION_5 = 'DELETE FROM p2pfk.ledger_version WHERE version = 6;';

/** Makes a ledger of version 4 of the newest one. */
const TO_VERSION_4 = `${TO_VERSION_5}
  ALTER TABLE p2pfk.pair DROP COLUMN proof CASCADE; DELETE FROM p2pfk.ledger_version WHERE version = 5;`;

/** Makes a ledger of version 3 of the newest one. */
export const TO_VERSION_3 = `${TO_VERSION_4}
  ALTER TABLE p2pfk.migration DROP COLUMN approved_options CASCADE; DELETE FROM p2pfk.ledger_version WHERE version = 4;`;

/** Makes a ledger of version 2 of the newest one. */
export const TO_VERSION_2 = `${TO_VERSION_3}
  DROP TABLE p2pfk.identity, p2pfk.running; DROP TRIGGER IF EXISTS approver ON p2pfk.migration;
  ALTER TABLE p2pfk.migration DROP COLUMN endpoint, DROP COLUMN liveness_key, DROP COLUMN started_by, DROP COLUMN reason,
    DROP COLUMN approval_reason, DROP COLUMN approved_login, DROP COLUMN approval_withdrawn_at, DROP COLUMN approval_withdrawn_by,
    DROP COLUMN approval_withdrawn_reason, DROP COLUMN approval_withdrawn_login;
  ALTER TABLE p2pfk.event DROP COLUMN execution, DROP COLUMN login, DROP COLUMN person, DROP COLUMN reason, DROP COLUMN lock_held_ms;
  DELETE FROM p2pfk.ledger_version WHERE version = 3;`;

/** Handlers find that database until the test ends. */
export function working(db: TestDatabase): void {
  onTestFinished(findDatabaseAt(db.url));
}

/** What pg_dump and psql make of it: everything by name, so every oid is another one. Tables in another order, FKs last. */
export async function restoredDump(from: Client): Promise<Place> {
  const lines = async (sql: string) =>
    (await from.query<{ line: string }>(sql)).rows.map(({ line }) => line).join(';\n');
  const indexes = await lines(`
    SELECT pg_get_indexdef(i.indexrelid) AS line FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisprimary`);
  const foreignKeys = await lines(`
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS line
      FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace`);
  const triggers = await lines(`
    SELECT pg_get_triggerdef(t.oid) AS line FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal AND t.tgparentid = 0`);
  const restored = await place(
    TABLES.other,
    TABLES.path,
    TABLES.inode,
    newLedger(),
    ROWS,
    indexes,
    foreignKeys,
    triggers,
  );
  await restored.observer.query('TRUNCATE p2pfk.ledger_version');
  for (const table of ['ledger_version', 'identity', 'migration', 'pair', 'event']) {
    const { rows } = await from.query<{ all: string }>(
      `SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text AS all FROM p2pfk.${table} t`,
    );
    await restored.observer.query(
      `INSERT INTO p2pfk.${table} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_recordset(NULL::p2pfk.${table}, $1)`,
      [rows[0]?.all],
    );
    if (table === 'ledger_version' || table === 'pair') continue;
    await restored.observer.query(
      `SELECT setval(pg_get_serial_sequence('p2pfk.${table}', 'id'), greatest(1, (SELECT max(id) FROM p2pfk.${table})))`,
    );
  }
  return restored;
}

/** CREATE DATABASE ... TEMPLATE: another database with the same oids in it. Ends the sessions of the original. */
export async function templateCopy({ db, observer }: Place): Promise<Place> {
  await observer.end();
  const name = `${db.name}_copy`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${db.name}`);
  const url = new URL(db.url);
  url.pathname = `/${name}`;
  const copy = new Client({ connectionString: url.href, application_name: 'test' });
  await copy.connect();
  onTestFinished(async () => {
    await copy.end();
    await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
  });
  return { db: { ...db, name, url: url.href }, observer: copy };
}

async function onServer(sql: string): Promise<void> {
  const server = new Client({ connectionString: inject('serverUrl') });
  await server.connect();
  await server.query(sql);
  await server.end();
}

/** The same database by another endpoint, as through a tunnel. */
export function otherEndpoint(db: TestDatabase): string {
  const { port, username, password } = new URL(db.url);
  return `host=tunnel.example hostaddr=127.0.0.1 port=${port} user=${username} password=${decodeURIComponent(password)} dbname=${db.name}`;
}
