/** The demo without its output: a seeded database of its own, measurements, damage, and its removal. */
import type { Client } from 'pg';
import { connect } from '../../core/ledger/connect.ts';
import {
  DURABLE,
  type EmbeddedPostgres,
  type ServerSettings,
  startEmbeddedPostgres,
} from '../embedded/embedded-postgres.ts';
import type { Handlers } from '../engine/engine.ts';
import { type Damage, damageHooks } from './damage.ts';
import { type Measurements, measure } from './measure.ts';
import { type Medium, seed } from './schema.ts';

export { Damage } from './damage.ts';
export type { Measurements } from './measure.ts';
export type { Medium } from './schema.ts';

/** Rows of `path` in all: enough that the missing index is noticeable, few enough for a demo of about a minute. */
export const DEFAULT_ROWS = 400_000;

/** Settings of a server with enough memory. Commits are written to disk, so times are realistic. */
const DEMO_SETTINGS: ServerSettings = {
  ...DURABLE,
  shared_buffers: '256MB',
  maintenance_work_mem: '128MB',
  max_wal_size: '4GB',
};

/** What a caller can choose. */
export interface DemoOptions {
  /** Rows of `path` in all, at least 17. Default `DEFAULT_ROWS`. */
  readonly rows?: number;
  readonly settings?: ServerSettings;
  /** See `startEmbeddedPostgres`. */
  readonly handleSignals?: boolean;
  /** Called with one line for each step. */
  readonly say?: (line: string) => void;
}

/** A running demo. */
export interface Demo {
  /** URL of the seeded database; contains the password. */
  readonly databaseUrl: string;
  /** The table to migrate. */
  readonly table: 'public.path';
  /** For example `17.10`. */
  readonly serverVersion: string;
  /** Rows of `path` in all. */
  readonly rows: number;
  /** Largest first; the last one has no partition of `path`. */
  readonly media: readonly Medium[];
  /** Measures the largest pair; changes nothing. Call it before and after the migration. */
  measure(): Promise<Measurements>;
  /**
   * Handlers for an execution that damage the second largest pair at the right moment.
   *
   * @param onDamage called with one line that describes the damage, when it was done
   */
  damageHooks(damage: Damage, onDamage?: (what: string) => void): Promise<Handlers>;
  /** Stops the server and removes everything. Idempotent; also happens when the process ends in any other way. */
  stop(): Promise<void>;
}

/**
 * Starts a server and seeds it.
 *
 * @throws EmbeddedPostgresUnavailable where no server can be started on this machine
 *
 * @example
 * const demo = await startDemo({ rows: 100_000 });
 * const before = await demo.measure();
 * // migrate demo.table in demo.databaseUrl
 * const after = await demo.measure();
 * await demo.stop();
 */
export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  const { rows = DEFAULT_ROWS, say = () => {} } = options;
  const server = await startEmbeddedPostgres({
    settings: options.settings ?? DEMO_SETTINGS,
    handleSignals: options.handleSignals ?? true,
  });
  try {
    return await seeded(server, rows, say);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function seeded(server: EmbeddedPostgres, rows: number, say: (line: string) => void): Promise<Demo> {
  const databaseUrl = server.databaseUrl(DATABASE);
  await withClient(server.url, (client) => client.query(`CREATE DATABASE ${DATABASE}`));
  const { serverVersion, media } = await withClient(databaseUrl, async (client) => {
    const {
      rows: [setting],
    } = await client.query<{ server_version: string }>('SHOW server_version');
    say(`Started PostgreSQL ${setting?.server_version} on 127.0.0.1:${server.port}`);
    const started = performance.now();
    const media = await seed(client, rows);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(`Seeded inode and path: 17 pairs, ${rows} paths, and one inode partition without paths, in ${seconds} s`);
    return { serverVersion: setting?.server_version ?? '', media };
  });
  const [largest, second] = media;
  if (largest === undefined || second === undefined) throw new Error('The demo has no media.');
  return {
    databaseUrl,
    table: 'public.path',
    serverVersion,
    rows,
    media,
    measure: () => withClient(databaseUrl, (client) => measure(client, { medium: largest })),
    damageHooks: (damage, onDamage = say) => damageHooks(damage, databaseUrl, second, onDamage),
    stop: () => server.stop(),
  };
}

/** The database's name in the case that the demo is modelled on. */
const DATABASE = 'copyjob';

async function withClient<Result>(databaseUrl: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = await connect({ databaseUrl, applicationName: 'p2pfk demo' });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
