/** A database of its own for each test, cloned from a template in some tens of milliseconds. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
import { connect } from '../../core/ledger/connect.ts';
import { seed } from '../../local/demo/schema.ts';
import { waitUntil } from './observe.ts';

/** Rows of `path` in the template `source-case`, over 17 pairs; the smallest has about 30. */
export const SOURCE_CASE_ROWS = 2_000;

/** Template name -> how an empty database becomes one. */
const TEMPLATES = {
  /** Nothing but what `initdb` makes. */
  empty: async () => {},
  /** The tables of the demo: `public.path` references `public.inode`, 17 pairs, one inode partition without paths. */
  'source-case': async (databaseUrl: string) => {
    const client = await connect({ databaseUrl, applicationName: 'test template' });
    try {
      await seed(client, SOURCE_CASE_ROWS);
    } finally {
      await client.end();
    }
  },
} as const;

export type Template = keyof typeof TEMPLATES;

export interface TestDatabase {
  readonly name: string;
  /** As superuser; holds the password. */
  readonly url: string;
  /** The same database as another role. */
  urlAs(user: string, password: string): string;
  /** A new plain session, to look or to interfere; `drop` ends it. */
  client(): Promise<Client>;
  /**
   * Drops the database.
   *
   * @throws Error if a session is left that `client()` did not open: somebody forgot to end a connection
   */
  drop(): Promise<void>;
}

/** Any number that nobody else uses: test files run side by side, and one of them builds a template. */
const TEMPLATE_LOCK = 7_216_001;

const LEAK_TIMEOUT_MS = 2_000;

/**
 * @example
 * const db = await createDatabase('source-case');
 * onTestFinished(() => db.drop());
 */
export async function createDatabase(template: Template = 'empty'): Promise<TestDatabase> {
  const name = `test_${template.replaceAll('-', '_')}_${randomBytes(6).toString('hex')}`;
  await onServer(async (server) => {
    const source = await templateDatabase(server, template);
    await server.query(`CREATE DATABASE ${name} TEMPLATE ${source} STRATEGY file_copy`);
  });
  const clients: Client[] = [];
  const url = databaseUrl(name);
  return {
    name,
    url,
    urlAs: (user, password) => {
      const other = new URL(url);
      other.username = encodeURIComponent(user);
      other.password = encodeURIComponent(password);
      return other.href;
    },
    client: async () => {
      const client = await session(url);
      clients.push(client);
      return client;
    },
    drop: async () => {
      await Promise.all(clients.map((client) => client.end()));
      await onServer(async (server) => {
        const leaked = await leakedSessions(server, name);
        await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
        if (leaked.length > 0) throw new Error(`leaked connections:\n${leaked.join('\n')}`);
      });
    },
  };
}

/** The template's database, built by whoever comes first. A finished one is marked as a template. */
async function templateDatabase(server: Client, template: Template): Promise<string> {
  const name = `template_${template.replaceAll('-', '_')}`;
  const isReady = async () => {
    const { rows } = await server.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [name]);
    return rows.length > 0;
  };
  if (await isReady()) return name;
  await server.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    if (await isReady()) return name;
    await server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await server.query(`CREATE DATABASE ${name}`);
    await TEMPLATES[template](databaseUrl(name));
    await waitUntil(async () => (await sessions(server, name)).length === 0, `the sessions of ${name} to end`);
    await server.query(`ALTER DATABASE ${name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
    return name;
  } finally {
    await server.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

/** Sessions still there when even those that are just ending had time to go. */
async function leakedSessions(server: Client, database: string): Promise<string[]> {
  const gone = async () => (await sessions(server, database)).length === 0;
  await waitUntil(gone, `the sessions of ${database} to end`, LEAK_TIMEOUT_MS).catch(() => undefined);
  return sessions(server, database);
}

async function sessions(server: Client, database: string): Promise<string[]> {
  const { rows } = await server.query<{ line: string }>(
    `SELECT format('%s (%s): %s', application_name, state, left(query, 120)) AS line
     FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
    [database],
  );
  return rows.map(({ line }) => line);
}

function databaseUrl(database: string): string {
  const url = new URL(inject('serverUrl'));
  url.pathname = `/${database}`;
  return url.href;
}

async function session(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'test' });
  // A test may have this very session terminated; its queries then tell.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function onServer<Result>(work: (server: Client) => Promise<Result>): Promise<Result> {
  const server = await session(inject('serverUrl'));
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}
