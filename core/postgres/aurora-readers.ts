/** Readers of an Aurora cluster, which no view of PostgreSQL shows. Those that `--reader` names are in core/checks/readers.ts. */
import type { Client } from 'pg';
import type { AuroraReader } from '../contracts/column-types.ts';
import { runOne } from './sql.ts';

/** Null where the server is not Aurora. */
export async function readAuroraReaders(client: Client): Promise<AuroraReader[] | null> {
  const { is_aurora, aurora } = await runOne(client, 'checks/aurora-replicas');
  return is_aurora ? aurora : null;
}
