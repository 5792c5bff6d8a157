/**
 * Databases cloned from one that a test file has made itself, in a fraction of the time that making it again would take.
 * A clone has the same oids, so a ledger in it is as good as the original, once it is told that it belongs to the clone.
 */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, inject } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { waitUntil } from '../support/observe.ts';

const LEAK_TIMEOUT_MS = 2_000;

/** A database that is only cloned from, and what its maker returned. */
export interface Source<Made> {
  readonly db: TestDatabase;
  readonly made: Made;
  readonly hasLedger: boolean;
}

const sources = new Map<string, Promise<Source<unknown>>>();
let server: Promise<Client> | undefined;

afterAll(async () => {
  for (const source of sources.values()) await (await source.catch(() => undefined))?.db.drop();
  sources.clear();
  await (await server?.catch(() => undefined))?.end();
  server = undefined;
});

/** What `sourceOf` has made under that name in this test file. */
export function knownSource<Made>(name: string): Promise<Source<Made>> | undefined {
  return sources.get(name) as Promise<Source<Made>> | undefined;
}

/**
 * A source that `make` fills, once for each `name` and test file: empty before, or a clone of `base`.
 *
 * @example
 * const source = await sourceOf('two tables', async (db) => { await (await db.client()).query(sql); });
 * const db = await cloneOf(source);
 * onTestFinished(() => db.drop());
 */
export function sourceOf<Made>(
  name: string,
  make: (db: TestDatabase) => Promise<Made>,
  base?: Source<unknown>,
): Promise<Source<Made>> {
  const known = knownSource<Made>(name);
  if (known) return known;
  const source = prepare(make, base);
  sources.set(name, source);
  return source;
}

async function prepare<Made>(make: (db: TestDatabase) => Promise<Made>, base?: Source<unknown>): Promise<Source<Made>> {
  const db = base ? await cloneOf(base) : await createDatabase('empty');
  const opened: Client[] = [];
  const made = await make({
    ...db,
    client: async () => {
      const client = await session(db.url);
      opened.push(client);
      return client;
    },
  });
  const look = opened[0] ?? (await session(db.url));
  const { rows } = await look.query("SELECT to_regclass('p2pfk.identity') IS NOT NULL AS found");
  if (!opened.includes(look)) opened.push(look);
  const hasLedger = rows[0].found === true;
  // A database can be cloned only while nobody is connected to it.
  await Promise.all(opened.map((client) => client.end()));
  await waitUntil(async () => (await sessionsOf(db.name)).length === 0, `the sessions of ${db.name} to end`);
  return { db, made, hasLedger };
}

/** What a restored database wants, without the comparison: it is a clone for certain. */
const LINK = `
  INSERT INTO p2pfk.identity (system_identifier, database_oid, database_name, endpoint)
  SELECT i.system_identifier, d.oid, d.datname, i.endpoint
    FROM pg_database d, (SELECT * FROM p2pfk.identity ORDER BY id DESC LIMIT 1) i
   WHERE d.datname = current_database()`;

/** A database of its own, dropped by whoever asked for it. */
export async function cloneOf(
  { db: source, hasLedger }: Source<unknown>,
  { linked = true }: { readonly linked?: boolean } = {},
): Promise<TestDatabase> {
  const name = `test_clone_${randomBytes(6).toString('hex')}`;
  await (await serverSession()).query(`CREATE DATABASE ${name} TEMPLATE ${source.name} STRATEGY file_copy`);
  const rename = (url: string) => {
    const other = new URL(url);
    other.pathname = `/${name}`;
    return other.href;
  };
  const url = rename(source.url);
  const clients: Client[] = [];
  if (hasLedger && linked) {
    const linking = await session(url);
    await linking.query(LINK);
    await linking.end();
  }
  return {
    name,
    url,
    urlAs: (user, password) => rename(source.urlAs(user, password)),
    client: async () => {
      const client = await session(url);
      clients.push(client);
      return client;
    },
    drop: async () => {
      await Promise.all(clients.map((client) => client.end()));
      const gone = async () => (await sessionsOf(name)).length === 0;
      await waitUntil(gone, `the sessions of ${name} to end`, LEAK_TIMEOUT_MS).catch(() => undefined);
      const leaked = await sessionsOf(name);
      await (await serverSession()).query(`DROP DATABASE ${name} WITH (FORCE)`);
      if (leaked.length > 0) throw new Error(`leaked connections:\n${leaked.join('\n')}`);
    },
  };
}

async function sessionsOf(database: string): Promise<string[]> {
  const { rows } = await (await serverSession()).query<{ line: string }>(
    `SELECT format('%s (%s): %s', application_name, state, left(query, 120)) AS line
     FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
    [database],
  );
  return rows.map(({ line }) => line);
}

function serverSession(): Promise<Client> {
  server ??= session(inject('serverUrl'));
  return server;
}

async function session(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'test' });
  // A test may have this very session terminated; its queries then tell.
  client.on('error', () => {});
  await client.connect();
  return client;
}
