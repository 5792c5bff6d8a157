/** Commands that write a single thing to the ledger look at its shape first, too: `approve`, and the last psql script. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { approve } from '../../../core/approve.ts';
import { describeWithPsql, psql, psqlInOrder } from '../../psql/psql.helpers.ts';
import { coreSession, databaseWith, oneRow } from '../case.helpers.ts';
import { migratedTo } from '../execution.helpers.ts';

const DRIFT = 'ALTER TABLE p2pfk.event RENAME COLUMN locks TO keys';
const REPAIR = 'ALTER TABLE p2pfk.event RENAME COLUMN keys TO locks';

it('approve refuses a ledger that is not as its version has it, and an older one', async () => {
  const { db, observer } = await migratedTo('Plan', { approval: 'manual' });
  await observer.query(DRIFT);

  await expect(approve(await coreSession(db.url), { table: 'path' })).rejects.toMatchObject({
    name: 'LedgerVersionRefused',
    message: expect.stringMatching(/column event\.locks is missing/),
  });
  expect(await oneRow(observer, 'SELECT approved_at FROM p2pfk.migration')).toEqual({ approved_at: null });

  await observer.query(`${REPAIR}; UPDATE p2pfk.migration SET approval_asked_at = now()`);
  expect(await approve(await coreSession(db.url), { table: 'path' })).toMatchObject({ state: 'running' });

  const old = await databaseWith();
  await old.observer.query(readFileSync(new URL('edition-version-2.sql', import.meta.url), 'utf8'));
  await expect(approve(await coreSession(old.db.url), { table: 'path' })).rejects.toMatchObject({
    name: 'LedgerVersionRefused',
    message: expect.stringMatching(/is of an older version/),
  });
});

describeWithPsql('step 4 of the psql scripts', () => {
  it('refuses such a ledger only where it would write to it, after it has printed its checks', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2', 'step3']);
    await observer.query(DRIFT);

    const refused = await psql(db.url, 'step4');

    expect(refused).toMatchObject({
      code: 3,
      errors: [expect.stringMatching(/column event\.locks is missing/)],
      lines: expect.arrayContaining([expect.stringMatching(/^\[5\/6\].*PASS/)]),
    });
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'paused' });
    await observer.query(REPAIR);
    await psqlInOrder(db.url, ['step4']);
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
    await observer.query(DRIFT);
    expect(await psql(db.url, 'step4')).toMatchObject({ code: 0 });
  });
});
