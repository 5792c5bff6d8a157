/** The memory by which orphans are counted. */
import { expect, it, onTestFinished } from 'vitest';
import { countMemory, readServer, type Server } from '../../../core/catalog/server-facts.ts';
import { prepareToCount } from '../../../core/checks/orphan-count.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { createDatabase } from '../../support/database.ts';

it.each<
  [what: string, server: Pick<Server, 'effective_cache_size' | 'work_mem' | 'parallel_workers'>, megabytes: number]
>([
  ['shares an eighth of the cache among leader and workers', server(12_288, 4, 2), 512],
  ['stays below a gigabyte', server(1_048_576, 4, 0), 1_024],
  ['never takes away what the session had', server(1_024, 256, 2), 256],
])('%s', (_, settings, megabytes) => {
  expect(countMemory(settings as Server)).toBe(megabytes);
});

it('is that of the counting session alone', async () => {
  const db = await createDatabase();
  const client = await connect({ databaseUrl: db.url, applicationName: 'test' });
  const other = await db.client();
  onTestFinished(async () => {
    await client.end();
    await db.drop();
  });
  const workMem = async () => (await other.query<{ work_mem: string }>('SHOW work_mem')).rows[0]?.work_mem;
  const [before, elsewhere] = [await readServer(client), await workMem()];

  await prepareToCount(client);

  expect((await readServer(client)).work_mem).toBe(countMemory(before) * 2 ** 20);
  expect(countMemory(before) * 2 ** 20).toBeGreaterThan(before.work_mem);
  expect(await workMem()).toBe(elsewhere);
});

function server(cacheMb: number, workMemMb: number, workers: number) {
  return { effective_cache_size: cacheMb * 2 ** 20, work_mem: workMemMb * 2 ** 20, parallel_workers: workers };
}
