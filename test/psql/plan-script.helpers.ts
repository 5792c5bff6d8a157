/** The script that `p2pfk plan --sql` prints, as a file that psql runs. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { connectReadOnly } from '../../core/ledger/connect.ts';
import { readPlan } from '../../core/plan/read-plan.ts';
import { migrationScript } from '../../core/plan/script/migration-script.ts';

/** @returns its path, in a folder of its own below the system's for temporary files */
export async function planScript(url: string, input: Record<string, unknown> = {}): Promise<string> {
  const client = await connectReadOnly({ databaseUrl: url, applicationName: 'p2pfk plan' });
  const parsed = ExecutionInput.parse({ table: 'path', lockTimeoutMs: 10_000, ...input });
  const script = await migrationScript(client, await readPlan(client, parsed, 'plan'), parsed);
  // CREATE INDEX CONCURRENTLY waits for its snapshot.
  await client.end();
  const file = join(await mkdtemp(join(tmpdir(), 'p2pfk-script-')), 'migration.sql');
  await writeFile(file, script ?? '');
  return file;
}
