/** What long steps cost others: counters of the server at the beginning and at the end of each call. */
import { describe, expect, it } from 'vitest';
import { holdLock, waitForLockWait, waitUntil } from '../../support/observe.ts';
import { migratedTo, timeLeft } from '../execution.helpers.ts';

/** What a handler has left after its reserve for last words: as good as nothing. */
const NO_TIME = timeLeft(16_000);

const spanOf = (positions: readonly [number, number] | null | undefined): number =>
  positions ? positions[1] - positions[0] : Number.NaN;

describe('what a long step cost others', () => {
  it('is in the result of an index build and of a validation, and not of what is short', async () => {
    const { execution } = await migratedTo('Plan');

    const built = await execution.buildIndex(1);
    const added = await execution.addForeignKey(1);
    const validated = await execution.validateForeignKey(1);

    // The index itself, without the free space of its pages, and its entries in the catalog.
    expect(spanOf(built.cost?.wal)).toBeGreaterThan(2_000);
    expect(added.cost).toBeUndefined();
    expect(spanOf(validated.cost?.wal)).toBeGreaterThan(0);
    expect(spanOf(validated.cost?.read)).toBeGreaterThanOrEqual(0);
    // No standby streams from this server.
    expect(validated.cost?.lagSeconds).toBeNull();
  });

  it('is not read where the step had nothing to do', async () => {
    const { execution } = await migratedTo('ValidateForeignKeys');

    expect((await execution.buildIndex(1)).cost).toBeUndefined();
    expect((await execution.validateForeignKey(1)).cost).toBeUndefined();
  });

  it('has the WAL that others wrote while a validation was left running', async () => {
    const { db, observer, execution } = await migratedTo('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');

    const left = await execution.validateForeignKey(1, NO_TIME);
    await waitForLockWait(observer, /VALIDATE CONSTRAINT fk_path_to_inode_1/);
    await observer.query("CREATE TABLE written AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)");
    await held.release();
    await waitUntil(async () => {
      const { rows } = await observer.query(
        "SELECT FROM pg_constraint WHERE conname = 'fk_path_to_inode_1' AND convalidated",
      );
      return rows.length === 1;
    }, 'the validation to end without its client');
    const found = await execution.validateForeignKey(1);

    expect([left.status, found.status]).toEqual(['RUNNING', 'SKIPPED']);
    expect((found.cost?.wal?.[1] ?? 0) - (left.cost?.wal?.[0] ?? Infinity)).toBeGreaterThan(1_000_000);
  });
});
