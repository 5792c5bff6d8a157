/**
 * Measurements of what a parent-level foreign key costs: the time of a DELETE, what a TRUNCATE empties, and whether a pair can be
 * detached. Every measurement ends with ROLLBACK, so the database does not change.
 */

import type { Client } from 'pg';
import { messageOf } from '../../core/contracts/errors.ts';
import { run, runOne } from '../../core/postgres/sql.ts';
import type { Medium } from './schema.ts';

/** What to measure. */
export interface MeasureOptions {
  /** The pair that is measured. */
  readonly medium: Medium;
  /** Rows to delete, or all rows of the referenced partition if it has fewer. */
  readonly deleteRows?: number;
  /** Milliseconds after which the DELETE is cancelled. */
  readonly deleteTimeoutMs?: number;
}

/** Results; the names of partitions are those of the demo. */
export interface Measurements {
  readonly delete: {
    readonly partition: string;
    readonly rows: number;
    /** Milliseconds that the DELETE took; the time-out if it did not finish. */
    readonly ms: number;
    readonly timedOut: boolean;
  };
  readonly truncate: {
    readonly partition: string;
    /** Partitions of `path` that lost all their rows. */
    readonly emptied: readonly string[];
    /** Partitions of `path` that had rows. */
    readonly of: number;
    readonly rowsLost: number;
    /** Summary as text: `all 17 path partitions`, `path_p_bb226d2a only`. */
    readonly summary: string;
  };
  readonly detach: {
    readonly pair: string;
    readonly possible: boolean;
    /** PostgreSQL's error in one line, if it refused. */
    readonly error: string | null;
  };
}

/** Deleting this many rows takes seconds without an index and milliseconds with one. */
const DELETE_ROWS = 300;
const DELETE_TIMEOUT_MS = 10_000;

const QUERY_CANCELED = '57014';

/** Runs all three measurements, one after the other. */
export async function measure(client: Client, options: MeasureOptions): Promise<Measurements> {
  return {
    delete: await measureDelete(client, options),
    truncate: await measureTruncate(client, options.medium),
    detach: await measureDetach(client, options.medium),
  };
}

async function measureDelete(client: Client, options: MeasureOptions): Promise<Measurements['delete']> {
  const { medium, deleteTimeoutMs = DELETE_TIMEOUT_MS } = options;
  const rows = Math.min(options.deleteRows ?? DELETE_ROWS, medium.inodes);
  const { statement } = await runOne(client, 'demo/delete-inodes', { inode_partition: medium.inodePartition, rows });
  return inRolledBackTransaction(client, async () => {
    await client.query(`SET LOCAL statement_timeout = ${deleteTimeoutMs}`);
    const started = performance.now();
    const timedOut = await client.query(statement).then(
      () => false,
      (error) => {
        if (error.code === QUERY_CANCELED) return true;
        throw error;
      },
    );
    const ms = timedOut ? deleteTimeoutMs : performance.now() - started;
    return { partition: medium.inodePartition, rows, ms, timedOut };
  });
}

async function measureTruncate(client: Client, medium: Medium): Promise<Measurements['truncate']> {
  const { statement } = await runOne(client, 'demo/truncate-inodes', { inode_partition: medium.inodePartition });
  return inRolledBackTransaction(client, async () => {
    const before = await countPaths(client);
    await client.query(statement);
    const after = await countPaths(client);
    const emptied = [...before.keys()].filter((partition) => !after.has(partition)).sort();
    return {
      partition: medium.inodePartition,
      emptied,
      of: before.size,
      rowsLost: total(before) - total(after),
      summary: summarise(emptied, before.size),
    };
  });
}

async function measureDetach(client: Client, medium: Medium): Promise<Measurements['detach']> {
  const steps = await run(client, 'demo/detach-and-attach', {
    inode_partition: medium.inodePartition,
    path_partition: medium.pathPartition ?? '',
    medium_hash: medium.mediumHash,
  });
  const pair = `${medium.pathPartition} → ${medium.inodePartition}`;
  return inRolledBackTransaction(client, async () => {
    try {
      for (const { statement } of steps) await client.query(statement);
      return { pair, possible: true, error: null };
    } catch (error) {
      return { pair, possible: false, error: messageOf(error) };
    }
  });
}

async function countPaths(client: Client): Promise<Map<string, number>> {
  const counts = await run(client, 'demo/count-paths');
  return new Map(counts.map(({ partition, rows }) => [partition, Number(rows)]));
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, rows) => sum + rows, 0);
}

function summarise(emptied: readonly string[], of: number): string {
  if (emptied.length === of) return `all ${of} path partitions`;
  if (emptied.length === 1) return `${emptied[0]} only`;
  return `${emptied.length} of ${of} path partitions`;
}

async function inRolledBackTransaction<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK');
  }
}
