/** Each row is proven once before the drop: what counts as a proof, what ends it, and what is counted then. */
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readPairing } from '../../../core/catalog/pairs.ts';
import { countOrphans, sampleOf } from '../../../core/checks/orphan-count.ts';
import { changePace } from '../../../core/ledger/change-pace.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { holdLock, waitForLockWait } from '../../support/observe.ts';
import { coreSession, foreignKeys, oneRow, smuggle } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';

const ORPHANS = `INSERT INTO path VALUES ('two', -1, 'orphan'), ('two', -2, 'orphan')`;
const CLOSED = { status: 'FAILED', reason: expect.stringContaining('2 in path_2') };

const AWS_EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:p2pfk:migrate-path';

/** Which pairs have been counted, and by what each is proven. */
async function proofs(observer: Client): Promise<string[]> {
  const { rows } = await observer.query<{ line: string }>(
    `SELECT concat_ws(' ', pair, proof ->> 'by', CASE WHEN orphans_counted_at IS NOT NULL THEN 'counted' END) AS line FROM p2pfk.pair ORDER BY pair`,
  );
  return rows.map(({ line }) => line);
}

const age = (observer: Client, pair: number, interval: string) =>
  observer.query(
    `UPDATE p2pfk.pair SET proof = jsonb_set(proof, '{at}', to_jsonb((proof ->> 'at')::timestamptz - $2::interval)) WHERE pair = $1`,
    [pair, interval],
  );

describe('before the drop', () => {
  it('what the migration has validated itself is not counted, and is proven with its time', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 validate', '2 validate', '3 validate']);

    await execution.dropParentForeignKey();
    const { checks } = await execution.verifyMigration();
    expect(checks.find(({ id }) => id === 'orphans')).toMatchObject({
      passed: true,
      detail: 'No orphaned rows found in 3 pairs checked',
    });
    expect(checks.find(({ id }) => id === 'inventory')?.detail).toMatch(
      /^path_1 -> inode_1: fk_path_to_inode_1, validated at \d{4}-\d\d-\d\dT[\d:.]+Z, counted after the drop$/m,
    );
  });

  it.each([
    [
      'of the referencing partition',
      `ALTER TABLE path_2 DISABLE TRIGGER ALL; ${ORPHANS}; ALTER TABLE path_2 ENABLE TRIGGER ALL`,
    ],
    [
      'of the referenced partition',
      `ALTER TABLE inode_2 DISABLE TRIGGER ALL;
       DELETE FROM inode_2 WHERE ino IN (SELECT ino FROM path_2 ORDER BY ino LIMIT 1);
       INSERT INTO path VALUES ('two', (SELECT min(ino) FROM inode_2), 'another');
       ALTER TABLE inode_2 ENABLE TRIGGER ALL`,
    ],
  ])('a pair is counted where a trigger %s was disabled since, and enabled again', async (_, sql) => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    await observer.query(sql);

    expect(await execution.verifyGate()).toMatchObject({
      status: 'FAILED',
      reason: expect.stringMatching(/orphaned rows below valid foreign keys: \d+ in path_2;/),
    });
    expect(await proofs(observer)).toEqual(['1 validate', '2 counted', '3 validate']);
  });

  it('a pair is counted where a trigger was disabled while VALIDATE read its rows', async () => {
    const { db, observer, execution } = await migratedTo('AddForeignKeys');
    const other = await db.client();
    await other.query(
      'BEGIN; ALTER TABLE inode_2 DISABLE TRIGGER ALL; DELETE FROM inode_2; ALTER TABLE inode_2 ENABLE TRIGGER ALL',
    );
    await execution.run('ValidateForeignKeys');
    expect((await proofs(observer))[1]).toBe('2 validate');
    await other.query('COMMIT');

    expect(await execution.verifyGate()).toMatchObject({
      status: 'FAILED',
      reason: expect.stringContaining('in path_2'),
    });
  });

  it('a pair is counted whose VALIDATE began longer ago than a proof may be old', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    await age(observer, 2, '61 minutes');
    await smuggle(observer, ORPHANS);

    expect(await execution.verifyGate()).toMatchObject(CLOSED);
    expect(await proofs(observer)).toEqual(['1 validate', '2 counted', '3 validate']);
  });

  it('a pair is counted that another session has validated', async () => {
    const { observer, execution } = await migratedTo('AddForeignKeys');
    await observer.query('ALTER TABLE path_2 VALIDATE CONSTRAINT fk_path_to_inode_2');
    await execution.run('ValidateForeignKeys');
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 validate', '2 count counted', '3 validate']);
  });

  it('a pair is counted whose VALIDATE began in the future, by a clock that was set back since', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    await age(observer, 2, '-61 minutes');
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 validate', '2 count counted', '3 validate']);
  });

  it('a pair is counted that another session has validated while this migration waited for its lock', async () => {
    const { db, observer, execution } = await migratedTo('AddForeignKeys');
    const other = await db.client();
    await other.query('BEGIN; ALTER TABLE path_2 VALIDATE CONSTRAINT fk_path_to_inode_2');
    const validation = execution.validateForeignKey(2);
    await waitForLockWait(observer, /VALIDATE CONSTRAINT fk_path_to_inode_2/);
    await other.query('COMMIT');
    expect(await validation).toMatchObject({ status: 'DONE' });
    await execution.run('ValidateForeignKeys');
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 validate', '2 count counted', '3 validate']);
  });

  it('a pair is counted whose foreign key was made anew by the same name', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    const { rows } = await observer.query<{ definition: string }>(
      `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conname = 'fk_path_to_inode_2'`,
    );
    await observer.query('ALTER TABLE path_2 DROP CONSTRAINT fk_path_to_inode_2');
    await smuggle(observer, ORPHANS);
    await observer.query(
      `ALTER TABLE path_2 ADD CONSTRAINT fk_path_to_inode_2 ${rows[0]?.definition} NOT VALID;
       UPDATE pg_constraint SET convalidated = true WHERE conname = 'fk_path_to_inode_2'`,
    );
    expect(await execution.verifyGate()).toMatchObject(CLOSED);
  });

  it('a partition that was detached and attached again is proven: its pair foreign key has checked its rows', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    await observer.query('ALTER TABLE path DETACH PARTITION path_2');
    await expect(observer.query(ORPHANS.replace('INTO path ', 'INTO path_2 '))).rejects.toThrow(
      /violates foreign key constraint/,
    );
    await observer.query(`ALTER TABLE path ATTACH PARTITION path_2 FOR VALUES IN ('two')`);
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 validate', '2 validate', '3 validate']);
  });

  const SUBSCRIPTION = `CREATE SUBSCRIPTION sub CONNECTION 'host=127.0.0.1 port=9' PUBLICATION none WITH (connect = false, slot_name = NONE);
    INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, 'TABLE'::regclass, 'r' FROM pg_subscription WHERE subname = 'sub'`;

  it.each([
    ['all pairs', 'sessions begin with session_replication_role = replica', '', [1, 2, 3]],
    ['a pair', 'a subscription fills its referencing partition', 'path_2', [2]],
    ['a pair', 'a subscription fills its referenced partition', 'inode_2', [2]],
    ['all pairs', 'a subscription fills the referencing table', 'path', [1, 2, 3]],
  ])('%s are counted, once, where %s', async (_, __, table, counted) => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    const { name } = await oneRow<{ name: string }>(observer, 'SELECT current_database() AS name');
    const replicas = `CREATE ROLE bulk_loader; ALTER ROLE bulk_loader IN DATABASE "${name}" SET session_replication_role = 'Replica'`;
    await observer.query(table === '' ? replicas : SUBSCRIPTION.replace('TABLE', table));
    onTestFinished(async () => {
      await observer.query(table === '' ? 'DROP ROLE bulk_loader' : 'DROP SUBSCRIPTION sub');
    });
    const expected = [1, 2, 3].map((pair) => (counted.includes(pair) ? `${pair} count counted` : `${pair} validate`));
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(expected);
    const times = `SELECT array_agg(orphans_counted_at ORDER BY pair)::text AS at FROM p2pfk.pair`;
    const before = await oneRow(observer, times);
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await oneRow(observer, times)).toEqual(before);
  });

  it('a pair is counted once more where a subscription came after the count', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { proofMaxAgeSeconds: 0 });
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    await observer.query(SUBSCRIPTION.replace('TABLE', 'path_2'));
    onTestFinished(async () => {
      await observer.query('DROP SUBSCRIPTION sub');
    });
    await smuggle(observer, ORPHANS);
    expect(await execution.verifyGate()).toMatchObject(CLOSED);
  });

  it('a pair is counted once more where a hold has ended since, and the count is older than a proof may be', async () => {
    // Between two steps an execution in AWS lives by its lease.
    const { db, observer, execution } = await migratedTo('ValidateForeignKeys', undefined, AWS_EXECUTION);
    for (const pair of [1, 2, 3]) await age(observer, pair, '2 hours');
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 count counted', '2 count counted', '3 count counted']);
    const person = await coreSession(db.url);
    await changePace(person, { command: 'hold' }, { table: 'path', by: 'ana' });
    await age(observer, 2, '61 minutes');
    await smuggle(observer, ORPHANS);
    await changePace(person, { command: 'resume' }, { table: 'path', by: 'ana' });
    expect(await proofs(observer)).toEqual(['1 count counted', '2', '3 count counted']);

    expect(await execution.verifyGate()).toMatchObject(CLOSED);
  });

  it('all pairs are counted where our own sessions begin as a replica, as all of their server do', async () => {
    const { db, observer, execution } = await migratedTo('ValidateForeignKeys');
    process.env.DATABASE_URL = `${db.url}?options=-c%20session_replication_role%3Dreplica`;
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 count counted', '2 count counted', '3 count counted']);
  });

  it('all pairs are counted where no proof may be old, each once', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { proofMaxAgeSeconds: 0 });
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 count counted', '2 count counted', '3 count counted']);
    const { rows: before } = await observer.query('SELECT orphans_counted_at FROM p2pfk.pair ORDER BY pair');
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect((await observer.query('SELECT orphans_counted_at FROM p2pfk.pair ORDER BY pair')).rows).toEqual(before);
  });

  it('proofs that grow old while a person decides are renewed after the approval, and not before', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { approval: 'manual' });
    expect(await execution.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL' });
    for (const pair of [1, 2, 3]) await age(observer, pair, '2 days');
    expect(await execution.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL' });
    expect(await proofs(observer)).toEqual(['1 validate', '2 validate', '3 validate']);

    await smuggle(observer, ORPHANS);
    await observer.query('UPDATE p2pfk.migration SET approved_at = now()');
    expect(await execution.verifyGate()).toMatchObject(CLOSED);
  });

  it('a count that is older than the approval by more than a proof may be is taken anew', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', {
      approval: 'manual',
      proofMaxAgeSeconds: 60,
    });
    for (const pair of [1, 2, 3]) await age(observer, pair, '1 hour');
    expect(await execution.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL' });
    expect(await proofs(observer)).toEqual(['1 count counted', '2 count counted', '3 count counted']);
    await age(observer, 2, '1 hour');
    await smuggle(observer, ORPHANS);
    await observer.query('UPDATE p2pfk.migration SET approved_at = now()');
    expect(await execution.verifyGate()).toMatchObject(CLOSED);
  });

  it.each(['before the drop begins', 'between its checks and its locks'])(
    'triggers that were switched after the gate, %s, leave the parent foreign key, and are counted next',
    async (when) => {
      const { db, observer, execution } = await migratedTo('ValidateForeignKeys', { lockTimeoutMs: 20_000 });
      expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
      const switchTriggers = () =>
        observer.query(
          `ALTER TABLE path_2 DISABLE TRIGGER ALL; ${ORPHANS.replace('INTO path ', 'INTO path_2 ')}; ALTER TABLE path_2 ENABLE TRIGGER ALL`,
        );
      const dropWith = async () => {
        const entrance = await holdLock(await db.client(), 'LOCK TABLE p2pfk.pair IN ACCESS EXCLUSIVE MODE');
        const drop = execution.dropParentForeignKey();
        drop.catch(() => undefined);
        await waitForLockWait(observer, /p2pfk\.pair/);
        const row = await holdLock(await db.client(), 'SELECT FROM p2pfk.migration FOR SHARE');
        await entrance.release();
        await waitForLockWait(observer, /FOR NO KEY UPDATE/);
        await switchTriggers();
        await row.release();
        return drop;
      };
      if (when === 'before the drop begins') await switchTriggers();

      const drop = when === 'before the drop begins' ? execution.dropParentForeignKey() : dropWith();
      await expect(drop).rejects.toMatchObject({
        name: 'PartitionSetChanged',
        message: expect.stringMatching(
          /not dropped: public\.path_2 may have got rows .* switched or made anew; what was done so far is kept/,
        ),
      });
      expect((await foreignKeys(observer)).some((line) => line.startsWith('path path_fk '))).toBe(true);
      const next = new Execution();
      await next.plan();
      expect(await next.verifyGate()).toMatchObject(CLOSED);
    },
  );

  it('a subscription that has come after the gate leaves the parent foreign key', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    await observer.query(SUBSCRIPTION.replace('TABLE', 'path_2'));
    onTestFinished(async () => {
      await observer.query('DROP SUBSCRIPTION sub');
    });
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
      name: 'PartitionSetChanged',
      message: expect.stringContaining('a subscription fills it'),
    });
  });

  it('vacuum changes nothing of a proof', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    await observer.query('VACUUM (FREEZE) pg_catalog.pg_trigger');
    await observer.query('VACUUM FULL pg_catalog.pg_trigger');
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 validate', '2 validate', '3 validate']);
  });

  it('a later execution does not count what an earlier one has validated', async () => {
    const { observer } = await migratedTo('ValidateForeignKeys');
    const next = new Execution();
    await next.plan();
    expect(await next.verifyGate()).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 validate', '2 validate', '3 validate']);
  });
});

/** What the planner believes of the three partitions that reference. */
const manyRows = (observer: Client) =>
  observer.query(
    `UPDATE pg_class SET reltuples = 2e6 WHERE oid IN ('path_1'::regclass, 'path_2'::regclass, 'path_3'::regclass)`,
  );

const items = (...pairs: number[]) =>
  pairs.map((pair) => ({ pair, last: pair, referencing: expect.stringMatching(/^public\.path_\d$/) }));

describe('where many rows are to be counted', () => {
  it('they are counted pair by pair, before the gate is asked again', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { proofMaxAgeSeconds: 0 });
    await manyRows(observer);
    expect(await execution.verifyGate()).toMatchObject({
      status: 'COUNTING',
      count: { pairs: items(1, 2, 3), maxConcurrency: 4, pairCount: 3 },
    });
    expect(await proofs(observer)).toEqual(['1 validate', '2 validate', '3 validate']);

    expect(await Promise.all([1, 2].map((pair) => execution.countOrphans(pair)))).toMatchObject([
      { status: 'DONE', pair: 1, of: 3 },
      { status: 'DONE', pair: 2 },
    ]);
    expect(await execution.countOrphans(1)).toMatchObject({ status: 'SKIPPED' });
    expect(await proofs(observer)).toEqual(['1 count counted', '2 count counted', '3 validate']);
    expect(await execution.verifyGate()).toMatchObject({ status: 'COUNTING', count: { pairs: items(3) } });
    await execution.countOrphans(3);
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
  });

  it('only pairs without a proof are', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys');
    await manyRows(observer);
    await observer.query('ALTER TABLE path_2 DISABLE TRIGGER ALL; ALTER TABLE path_2 ENABLE TRIGGER ALL');
    expect(await execution.verifyGate()).toMatchObject({ status: 'COUNTING', count: { pairs: items(2) } });
    expect(await execution.countOrphans(1, { last: 3 })).toMatchObject({ status: 'DONE', batch: [{ pair: 2 }] });
    expect(await proofs(observer)).toEqual(['1 validate', '2 count counted', '3 validate']);
    expect(await execution.countOrphans(1, { last: 3 })).toMatchObject({ status: 'SKIPPED' });
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
  });

  it('an orphan closes the gate, whatever is left to count', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { proofMaxAgeSeconds: 0 });
    await manyRows(observer);
    await smuggle(observer, ORPHANS);
    expect(await execution.countOrphans(2)).toMatchObject({ status: 'DONE' });
    expect(await execution.verifyGate()).toMatchObject(CLOSED);
  });

  it('a pair is held back while a limit of load is exceeded', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { proofMaxAgeSeconds: 0 });
    vi.stubEnv('P2PFK_ALLOW_HOLD_BACK_QUERY', 'true');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    await observer.query(`UPDATE p2pfk.migration SET options = options || '{"holdBackQuery": "SELECT true"}'`);
    expect(await execution.countOrphans(1)).toMatchObject({ status: 'RUNNING', note: 'the hold-back query says so' });
    expect((await proofs(observer))[0]).toBe('1 validate');
  });

  it('a state machine of an older version, which cannot do that, has the gate count them', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { proofMaxAgeSeconds: 0 });
    await manyRows(observer);
    expect(await execution.verifyGate(undefined, { countsPairs: false })).toMatchObject({ status: 'PASSED' });
    expect(await proofs(observer)).toEqual(['1 count counted', '2 count counted', '3 count counted']);
  });

  it('all are after the drop, where that is wanted', async () => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { recount: 'all' });
    await manyRows(observer);
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    await execution.dropParentForeignKey();
    expect(await execution.verifyMigration()).toMatchObject({ status: 'COUNTING', count: { pairs: items(1, 2, 3) } });
    for (const pair of [1, 2, 3]) expect(await execution.countOrphans(pair)).toMatchObject({ status: 'DONE' });
    const { status, checks } = await execution.verifyMigration();
    expect(status).toBe('MIGRATED');
    expect(checks.find(({ id }) => id === 'orphans')?.detail).toBe('No orphaned rows found in 3 pairs checked');
  });
});

describe('after the drop', () => {
  const dropped = async (recount: string) => {
    const { observer, execution } = await migratedTo('ValidateForeignKeys', { recount });
    await execution.verifyGate();
    await execution.dropParentForeignKey();
    return { observer, execution };
  };

  it('no pair is counted where none is wanted', async () => {
    const { observer, execution } = await dropped('none');
    const { status, checks } = await execution.verifyMigration();
    expect(status).toBe('MIGRATED');
    expect(checks.find(({ id }) => id === 'orphans')?.detail).toBe(
      'No orphaned rows found in 3 pairs: all 3 proven by VALIDATE before the drop, none counted now',
    );
    expect(await proofs(observer)).toEqual(['1 validate', '2 validate', '3 validate']);
  });

  it('a pair is counted all the same where a trigger was changed', async () => {
    const { observer, execution } = await dropped('none');
    await observer.query(`ALTER TABLE path_2 DISABLE TRIGGER ALL; ${ORPHANS}; ALTER TABLE path_2 ENABLE TRIGGER ALL`);
    expect(await execution.verifyMigration()).toMatchObject({
      status: 'FAILED',
      reason: expect.stringMatching(/^orphans: 2 orphaned rows found: 2 in path_2/),
    });
  });

  it('the sample is the smallest pair, the largest, and one in the middle', () => {
    const of = (n: number) =>
      sampleOf(Array.from({ length: n }, (_, index) => ({ pair: n - index }))).map(({ pair }) => pair);
    expect([of(0), of(1), of(2), of(3), of(17)]).toEqual([[], [1], [1, 2], [1, 2, 3], [1, 9, 17]]);
  });

  it('a pair of the sample that takes too long is left out', async () => {
    const { db } = await migratedTo('VerifyMigration');
    const core = await coreSession(db.url);
    const foreignKey = await resolveForeignKey(core, { table: 'path' }, 'verify');
    const { pairs } = await readPairing(core, foreignKey);
    const blocker = await db.client();
    const held = await holdLock(blocker, 'LOCK TABLE path_2 IN ACCESS EXCLUSIVE MODE');
    onTestFinished(() => held.release());
    const name = (pair: number) => pairs.find((one) => one.pair === pair)?.referencing;
    const counts = await countOrphans(core, foreignKey, pairs, undefined, 500);
    expect(counts.map(({ pair }) => name(pair)).toSorted()).toEqual(['public.path_1', 'public.path_3']);
  });
});
