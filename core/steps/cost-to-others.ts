/**
 * What a long step costs others: WAL of the whole server, bytes read of its tables, and how far standbys fall behind meanwhile. The values are
 * positions of counters at the beginning and at the end of one call, so that those of several calls for one statement give the whole.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { CostToOthers } from '../contracts/steps/results.ts';
import { readAuroraReaders } from '../postgres/aurora-readers.ts';
import { isConnectionError } from '../postgres/postgres-errors.ts';
import { type Row, runOne } from '../postgres/sql.ts';

/** The lag of standbys is looked at so often while a statement runs. */
const LOOK_MS = 5_000;

export class CostWatch {
  readonly #client: Client;
  readonly #relations: readonly number[];
  readonly #before: Row<'checks/cost-to-others'> | null;
  #lagSeconds: number | null;

  private constructor(client: Client, relations: readonly number[], before: Row<'checks/cost-to-others'> | null) {
    this.#client = client;
    this.#relations = relations;
    this.#before = before;
    this.#lagSeconds = before?.replica_lag_seconds ?? null;
  }

  /** @param relations oids of the tables that the step reads */
  static async begin(client: Client, relations: readonly number[]): Promise<CostWatch> {
    return new CostWatch(client, relations, await read(client, relations));
  }

  /** Looks at the lag of standbys until the signal ends it. */
  async follow(over: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await delay(LOOK_MS, undefined, { signal: over, ref: false });
        this.#note(await read(this.#client, this.#relations));
      }
    } catch {
      // The statement has ended, or the session is lost, which the step itself reports.
    }
  }

  /** @returns undefined where the counters could not be read */
  async end(): Promise<CostToOthers | undefined> {
    const before = this.#before;
    const after = this.#note(await read(this.#client, this.#relations));
    if (before === null || after === null) return undefined;
    return {
      wal: positions(before.wal_bytes, after.wal_bytes),
      read: positions(before.read_bytes, after.read_bytes),
      lagSeconds: this.#lagSeconds,
    };
  }

  #note(row: Row<'checks/cost-to-others'> | null): Row<'checks/cost-to-others'> | null {
    const lag = row?.replica_lag_seconds ?? null;
    if (lag !== null) this.#lagSeconds = Math.max(lag, this.#lagSeconds ?? 0);
    return row;
  }
}

/** The same for a statement that an earlier call left running, and that has ended since. */
export async function costSoFar(client: Client, relations: readonly number[]): Promise<CostToOthers | undefined> {
  const watch = await CostWatch.begin(client, relations);
  return watch.end();
}

function positions(from: number | null, to: number | null): CostToOthers['wal'] {
  return from === null || to === null ? null : [from, to];
}

/** Null where they cannot be read: that is no reason for a step to fail. */
async function read(client: Client, relations: readonly number[]): Promise<Row<'checks/cost-to-others'> | null> {
  try {
    const row = await runOne(client, 'checks/cost-to-others', { relations });
    return row.is_aurora ? { ...row, replica_lag_seconds: await auroraLag(client) } : row;
  } catch (error) {
    if (isConnectionError(error)) throw error;
    return null;
  }
}

async function auroraLag(client: Client): Promise<number | null> {
  const lags =
    (await readAuroraReaders(client))?.flatMap(({ lag_ms: lag }) => (lag === null ? [] : [lag / 1_000])) ?? [];
  return lags.length === 0 ? null : Math.max(...lags);
}
