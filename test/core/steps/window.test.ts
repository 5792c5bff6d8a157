/** The end of the maintenance window: no pair is begun that the forecast cannot finish. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { databaseWith, foreignKeys, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

const stateOf = (observer: Client) => oneRow(observer, 'SELECT state FROM p2pfk.migration');

describe('a pair that the window cannot finish', () => {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
  const resize = (observer: Client, pair: number, rows: number) =>
    observer.query('UPDATE p2pfk.pair SET rows = $2 WHERE pair = $1', [pair, rows]);

  it('is not begun; others are, it pauses, and the next execution does what is left', async () => {
    const { observer } = await databaseWith();
    const first = new Execution();
    await first.migrate('AddForeignKeys', { deadline: inSeconds(600) });
    await resize(observer, 1, 1_000_000_000);

    await expect(first.validateForeignKey(1)).rejects.toMatchObject({
      name: 'WindowClosed',
      message: expect.stringMatching(
        /^path_1 needs about 3334 s and the maintenance window closes in 5\d\d s; the next execution goes on from here/,
      ),
    });
    expect(await first.validateForeignKey(2)).toMatchObject({ status: 'DONE' });
    await first.pause({ Error: 'WindowClosed' });

    expect(await stateOf(observer)).toEqual({ state: 'paused' });
    const standing = await foreignKeys(observer);
    expect(standing.filter((line) => line.endsWith(' valid f'))).toHaveLength(2);
    expect(standing.some((line) => line.startsWith('path path_fk '))).toBe(true);

    const next = new Execution();
    expect(await next.plan({ lockTimeoutMs: 10_000 })).toMatchObject({
      status: 'PLANNED',
      migrationId: first.migrationId,
    });
    const statuses = (await next.run('ValidateForeignKeys')) as { status: string }[];
    expect(statuses.map(({ status }) => status)).toEqual(['DONE', 'SKIPPED', 'DONE']);
    await next.runUntil('VerifyMigration');
    expect(await stateOf(observer)).toEqual({ state: 'migrated' });
  });

  it('is one whose index cannot be built in time, too', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    await execution.plan({ deadline: inSeconds(60) });
    await resize(observer, 1, 100_000_000);

    await expect(execution.buildIndex(1)).rejects.toMatchObject({ name: 'WindowClosed' });
    expect(await execution.buildIndex(2)).toMatchObject({ status: 'DONE' });
    expect(await oneRow(observer, 'SELECT index_added FROM p2pfk.pair WHERE pair = 1')).toEqual({ index_added: false });
  });

  it('is judged by the pace of the pairs that are done, where they were large enough to tell', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    await execution.migrate('AddForeignKeys', { deadline: inSeconds(60) });
    await execution.validateForeignKey(2);
    await resize(observer, 1, 10_000);
    const paceOf = (rows: number) =>
      observer.query('UPDATE p2pfk.pair SET rows = $1, validate_ms = 1000000 WHERE pair = 2', [rows]);

    await paceOf(100_000);
    await expect(execution.validateForeignKey(1)).rejects.toThrow(/^path_1 needs about 150 s /);
    await paceOf(99_999);
    expect(await execution.validateForeignKey(1)).toMatchObject({ status: 'DONE' });
  });

  it('does not matter where nothing is left to do, nor without a window', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    await execution.migrate('AddForeignKeys', { deadline: inSeconds(600) });
    await execution.validateForeignKey(1);
    await resize(observer, 1, 1_000_000_000);
    expect(await execution.validateForeignKey(1)).toMatchObject({ status: 'SKIPPED' });

    const next = new Execution();
    await next.plan();
    await resize(observer, 2, 1_000_000_000);
    expect(await next.validateForeignKey(2)).toMatchObject({ status: 'DONE' });
  });
});
