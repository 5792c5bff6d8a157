/** Readers of an Aurora cluster, which no view of PostgreSQL shows. Those that `--reader` names are in core/checks/readers.ts. */
import type { Client } from 'pg';
import { runOne } from './sql.ts';

export interface AuroraReader {
  readonly server_id: string;
  /** Milliseconds; null where Aurora does not say. */
  readonly lag_ms: number | null;
}

/** Null where the server is not Aurora. */
export async function readAuroraReaders(client: Client): Promise<AuroraReader[] | null> {
  const { is_aurora, aurora } = await runOne<{ is_aurora: boolean; aurora: AuroraReader[] }>(
    client,
    'checks/aurora-replicas',
  );
  return is_aurora ? aurora : null;
}
