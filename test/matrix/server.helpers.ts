/** A server of one PostgreSQL version, and a database of its own for each scenario. */
import { Client } from 'pg';
import {
  type EmbeddedPostgres,
  FAST,
  type ServerSettings,
  startEmbeddedPostgres,
} from '../../local/embedded/embedded-postgres.ts';
import { installPostgres, type PostgresMajor } from '../../scripts/install-postgres.ts';

export interface MatrixDatabase {
  readonly url: string;
  /** Looks, and may interfere; it takes no part in the migration. */
  readonly observer: Client;
  /** One more plain session; it is ended with the database. */
  client(): Promise<Client>;
  drop(): Promise<void>;
}

export interface MatrixServer {
  readonly major: PostgresMajor;
  /** As `server_version` says it, such as 17.10. */
  readonly version: string;
  /**
   * A new database in which `sql` has been run; the steps of the migration find it in DATABASE_URL.
   *
   * @param options of CREATE DATABASE, such as `ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`
   */
  database(sql: string, options?: string): Promise<MatrixDatabase>;
  stop(): Promise<void>;
}

export async function startServer(major: PostgresMajor, settings: ServerSettings = {}): Promise<MatrixServer> {
  const binaries = await installPostgres(major);
  const server = await startEmbeddedPostgres({ binaries, settings: { ...FAST, ...settings } });
  const admin = await session(server.url);
  const { rows } = await admin.query<{ version: string }>("SELECT current_setting('server_version') AS version");
  let databases = 0;
  return {
    major,
    version: rows[0]?.version ?? '',
    database: (sql, options) => createDatabase(server, admin, `case_${++databases}`, major, { sql, options }),
    stop: async () => {
      await admin.end();
      await server.stop();
    },
  };
}

async function createDatabase(
  server: EmbeddedPostgres,
  admin: Client,
  name: string,
  major: PostgresMajor,
  { sql, options = '' }: { readonly sql: string; readonly options?: string | undefined },
): Promise<MatrixDatabase> {
  // As before 15: the new default writes a page at a time to the WAL, which takes three times as long.
  await admin.query(`CREATE DATABASE ${name}${major >= 15 ? ' STRATEGY file_copy' : ''} ${options}`);
  const url = server.databaseUrl(name);
  process.env.DATABASE_URL = url;
  const clients: Client[] = [];
  const client = async () => {
    const opened = await session(url);
    clients.push(opened);
    return opened;
  };
  const drop = async () => {
    await Promise.all(clients.map((one) => one.end()));
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  };
  const observer = await client();
  try {
    await observer.query(sql);
  } catch (error) {
    await drop();
    throw error;
  }
  return { url, observer, client, drop };
}

async function session(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'matrix' });
  client.on('error', () => {});
  await client.connect();
  return client;
}
