/** Findings about standbys, where our exclusive locks are replayed, and which applications read from. */
import type { Client } from 'pg';
import type { PlanFinding } from '../../contracts/documents.ts';
import { readAuroraReaders } from '../../postgres/aurora-readers.ts';
import { asLogin } from '../../postgres/session/as-login.ts';
import { readReaders } from '../readers.ts';
import { readFinding } from './sql-findings.ts';

/**
 * The finding `standby-readers`.
 *
 * @throws as readReaders, when a named reader is no standby, or cannot be asked
 */
export async function checkStandbys(client: Client): Promise<PlanFinding[]> {
  const readers = await readReaders(client);
  const aurora = (await readAuroraReaders(client)) ?? [];
  return asLogin(client, () => readFinding(client, 'findings/standby-readers', { readers, aurora }));
}
