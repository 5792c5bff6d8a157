/** The application of the stall benchmark, in a process of its own. Started by `harness/load.ts`. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { LoadRequest, Operation } from './load.ts';

type Run = (sql: string, values: unknown[]) => Promise<void>;

const operations: Operation[] = [];
let running = true;

process.once('message', async ({ databaseUrl, media, readers, writers, paceMs }: LoadRequest) => {
  const session = async () => {
    const client = new Client({ connectionString: databaseUrl, application_name: 'application' });
    // The statement under way tells.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  /** One client, until the end: an operation, a pause, the next. */
  const worker = async (
    kind: Operation['kind'],
    number: number,
    work: (run: Run, turn: number) => Promise<unknown>,
  ) => {
    const client = await session();
    for (let turn = 0; running; turn++) {
      const at = performance.timeOrigin + performance.now();
      const from = performance.now();
      let longestStatement = 0;
      const run: Run = async (sql, values) => {
        const begun = performance.now();
        try {
          await client.query(sql, values);
        } finally {
          longestStatement = Math.max(longestStatement, performance.now() - begun);
        }
      };
      const error = await work(run, turn * (readers + writers) + number).then(
        () => null,
        (problem: Error) => problem.message,
      );
      operations.push({ kind, at, milliseconds: performance.now() - from, longestStatement, error });
      if (paceMs > 0) await delay(paceMs);
    }
    await client.end();
  };
  const mediumOf = (turn: number) => media[turn % media.length] ?? '';
  const read = (run: Run, turn: number) =>
    run('SELECT count(*) FROM path JOIN inode USING (medium_hash, ino) WHERE medium_hash = $1 AND ino = $2', [
      mediumOf(turn),
      1 + (turn % 10),
    ]);
  // A file comes and goes: an inode, its name, and the DELETE whose cascade is what all of this is about.
  const write = async (run: Run, turn: number) => {
    const key = [mediumOf(turn), 1_000_000_000 + turn];
    await run('INSERT INTO inode (medium_hash, ino, size, mtime, mode) VALUES ($1, $2, 1, now(), 33188)', key);
    await run(
      "INSERT INTO path (medium_hash, ino, path, seen_at) VALUES ($1, $2::bigint, '/bench/' || $2::bigint, now())",
      key,
    );
    await run('DELETE FROM inode WHERE medium_hash = $1 AND ino = $2', key);
  };
  const workers = [
    ...Array.from({ length: readers }, (_, index) => worker('read', index, read)),
    ...Array.from({ length: writers }, (_, index) => worker('write', readers + index, write)),
  ];
  process.send?.('working');
  await Promise.all(workers);
  process.send?.(operations, () => process.exit());
});
process.on('message', (message) => {
  if (message === 'stop') running = false;
});
process.send?.('ready');
