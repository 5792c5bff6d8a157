/** By what the planner reads two partitions: the foreign key's two indexes where that is cheaper, unless somebody has said what a page costs. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { readPairing } from '../../../core/catalog/pairs.ts';
import { countOrphans, prepareToCount } from '../../../core/checks/orphan-count.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { coreSession, databaseWith, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

/** One pair, large enough that it matters how it is read; seen by VACUUM, as a server that has run for a while has it. */
const LARGE_PAIR = `
  CREATE TABLE inode (medium text, ino bigint, size text, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE path (medium text NOT NULL, ino bigint, name text NOT NULL) PARTITION BY LIST (medium);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('one');
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('one');
  CREATE INDEX ON path (medium, ino);
  INSERT INTO inode SELECT 'one', n, repeat('x', 100) FROM generate_series(1, 20000) n;
  INSERT INTO path SELECT 'one', n, repeat('a name ', 10) FROM generate_series(1, 20000) n;
  ALTER TABLE path ADD FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE;`;

/** As whoever has weighed it: here the same as PostgreSQL's default. */
const WEIGHED = 'ALTER DATABASE current_db SET random_page_cost = 4';

async function largePair(weighed: boolean): Promise<{ observer: Client; url: string }> {
  const { observer, db } = await databaseWith(LARGE_PAIR);
  await observer.query('VACUUM (ANALYZE) inode_1, path_1');
  if (weighed) {
    const { name } = await oneRow<{ name: string }>(observer, 'SELECT quote_ident(current_database()) AS name');
    await observer.query(WEIGHED.replace('current_db', name));
  }
  return { observer, url: db.url };
}

/** Scans of the referencing partition as a whole, once our sessions are gone: each tells its own at its end. */
async function sequentialScans(observer: Client): Promise<number> {
  const ours =
    "SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE application_name LIKE 'p2pfk/%' AND datname = current_database()";
  await expect.poll(() => oneRow(observer, ours), { timeout: 10_000 }).toEqual({ sessions: 0 });
  await observer.query('SELECT pg_stat_clear_snapshot()');
  const sql = "SELECT seq_scan::int AS scans FROM pg_stat_user_tables WHERE relname = 'path_1'";
  return (await oneRow<{ scans: number }>(observer, sql)).scans;
}

describe('a validation', () => {
  it.each([
    ['merges the two indexes where nobody has said what a page costs', false, 0],
    ['reads the partitions where somebody has', true, 1],
  ])('%s', async (_, weighed, more) => {
    const { observer } = await largePair(weighed);
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    const before = await sequentialScans(observer);

    await execution.run('ValidateForeignKeys');

    expect(
      await oneRow(observer, "SELECT convalidated FROM pg_constraint WHERE conname = 'fk_path_to_inode_1'"),
    ).toEqual({
      convalidated: true,
    });
    expect((await sequentialScans(observer)) - before).toBe(more);
  });
});

describe('a count', () => {
  it.each([
    ['is one process that merges the two indexes', false, { more: 0, workers: '0' }],
    ['has the workers of the server where it has to read the partitions', true, { more: 1, workers: '2' }],
  ])('%s', async (_, weighed, { more, workers }) => {
    const { observer, url } = await largePair(weighed);
    const before = await sequentialScans(observer);
    const core = await connect({ databaseUrl: url, applicationName: 'p2pfk/-/test' });
    const foreignKey = await resolveForeignKey(core, { table: 'path' }, 'migrate');

    await prepareToCount(core);
    const { pairs } = await readPairing(core, foreignKey);
    expect(await countOrphans(core, foreignKey, pairs)).toMatchObject([{ pair: 1, orphans: 0 }]);

    expect(await oneRow(core, 'SHOW max_parallel_workers_per_gather')).toEqual({
      max_parallel_workers_per_gather: workers,
    });
    await core.end();
    expect(Math.sign((await sequentialScans(observer)) - before)).toBe(more);
  });
});

describe('a session that counts', () => {
  it.each([
    ['takes the page cost of today', false, '1.1'],
    ['leaves what somebody has set', true, '4'],
  ])('%s', async (_, weighed, cost) => {
    const { observer, url } = await largePair(weighed);
    const core = await coreSession(url);

    await prepareToCount(core);

    expect(await oneRow(core, 'SHOW random_page_cost')).toEqual({ random_page_cost: cost });
    expect(await oneRow(observer, 'SHOW random_page_cost')).toEqual({ random_page_cost: '4' });
  });
});
