/** What `p2pfk status`, `list` and `plan` say after `kill -9` in the middle of an index build. */
import { expect, it, onTestFinished } from 'vitest';
import { databaseWith } from '../core/case.helpers.ts';
import { stateDirectory } from '../local/endpoint.helpers.ts';
import { waitUntil } from '../support/observe.ts';
import { start } from './cli.helpers.ts';
import { p2pfkHere } from './here.helpers.ts';

it('names what a dead execution left running in the server, and the statement that ends it; takes its indexes for its own', async () => {
  const { db, observer } = await databaseWith();
  const env = { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDirectory() };
  const snapshot = await db.client();
  await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM path_3');
  const migration = start(['migrate', '-t', 'path', '--max-concurrency', '1'], env);
  onTestFinished(async () => {
    migration.child.kill('SIGKILL');
    await migration.finished;
  });
  const builds = async () =>
    (await observer.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%'`)).rows;
  await waitUntil(async () => (await builds()).length === 1, 'the index is being built');
  migration.child.kill('SIGKILL');
  await migration.finished;
  const status = async () => (await p2pfkHere(['status', '-t', 'path'], env)).stdout;
  await waitUntil(async () => /its execution is dead/.test(await status()), 'it counts as dead');
  const [build] = await builds();
  await observer.query(
    `UPDATE p2pfk.pair SET last_error = 'no lock within 500 ms', state = 'validated' WHERE pair = 3`,
  );

  const text = await status();

  expect(text).toMatch(/^State +interrupted \(migrating, its execution is dead\) since \S+Z$/m);
  expect(text).toMatch(
    /^Still runs +in the server without its client, 1 statement: it goes on to its end, and the next run waits for it and uses what it made$/m,
  );
  expect(text).toMatch(
    new RegExp(
      `^  pid ${build?.pid}: CREATE INDEX of path_1 since \\S+Z; this ends it: SELECT pg_cancel_backend\\(${build?.pid}\\);$`,
      'm',
    ),
  );
  expect(text).not.toMatch(/running|no lock within/);
  const { stdout: list } = await p2pfkHere(['list'], env);
  expect(list).toMatch(/^ +1 +interrupted \(migrating, its execution is dead\) +path /m);
  const plan = JSON.parse((await p2pfkHere(['plan', '-t', 'path', '--json'], env)).stdout);
  const ids = plan.findings.map(({ id, severity }: { id: string; severity: string }) => `${severity} ${id}`);
  expect(ids).toContain('info unfinished-index');
  expect(ids).not.toContain('warning invalid-index');

  await observer.query('SELECT pg_cancel_backend($1)', [build?.pid]);
  await waitUntil(async () => !/Still runs/.test(await status()), 'the build has ended');
  await snapshot.query('COMMIT');
});
