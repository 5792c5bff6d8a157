/** The gate and the verified drop: the parent FK leaves only when what replaces it was seen to work. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { backends, holdLock, waitForLockWait } from '../../support/observe.ts';
import { databaseWith, everything, foreignKeys, oneRow, smuggle, THREE_PAIRS } from '../case.helpers.ts';
import { Execution, migratedTo, timeLeft } from '../execution.helpers.ts';

/** A migration that stands before its gate. */
function beforeGate(input?: Record<string, unknown>) {
  return migratedTo('ValidateForeignKeys', input);
}

const parentStands = async (observer: Client) =>
  (await foreignKeys(observer)).includes(
    'path path_fk FOREIGN KEY (medium, ino) REFERENCES inode(medium, ino) ON DELETE CASCADE valid t',
  );

/** Nothing counts as proven: every pair is counted, before the drop and after it. */
const COUNTED = { proofMaxAgeSeconds: 0, recount: 'all' };

/** What somebody may have done since the plan or since validation; each of it closes the gate. */
const DAMAGE: [what: string, sql: string, reason: RegExp][] = [
  [
    'a pair foreign key was dropped',
    'ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1',
    /public\.path_1 has no pair foreign key to public\.inode_1/,
  ],
  [
    'a pair foreign key was made anew and is not valid',
    `ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1;
     ALTER TABLE path_1 ADD FOREIGN KEY (medium, ino) REFERENCES inode_1 ON DELETE CASCADE NOT VALID`,
    /pair foreign key path_1_medium_ino_fkey of public\.path_1 is not validated/,
  ],
  [
    'the triggers of a referencing partition were disabled',
    'ALTER TABLE path_2 DISABLE TRIGGER ALL',
    /fk_path_to_inode_2 of public\.path_2 is not enforced/,
  ],
  [
    'the triggers of a referenced partition were disabled',
    'ALTER TABLE inode_2 DISABLE TRIGGER ALL',
    /fk_path_to_inode_2 of public\.path_2 is not enforced/,
  ],
  [
    'a trigger fires for replication only',
    `DO $$ DECLARE t name; BEGIN
       SELECT tgname INTO t FROM pg_trigger JOIN pg_constraint c ON c.oid = tgconstraint
        WHERE c.conname = 'fk_path_to_inode_3' AND tgrelid = 'inode_3'::regclass LIMIT 1;
       EXECUTE format('ALTER TABLE inode_3 ENABLE REPLICA TRIGGER %I', t);
     END $$`,
    /fk_path_to_inode_3 of public\.path_3 is not enforced/,
  ],
];

/** What the application may do at any time: it makes the plan old, and nothing wrong. */
const CHANGES: [what: string, sql: string, reason: RegExp, pairs: number][] = [
  [
    'a pair was attached',
    `CREATE TABLE inode_9 PARTITION OF inode FOR VALUES IN ('nine'); CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine')`,
    /^partition set changed: public\.path_9 was attached after the plan; what was done so far is kept/,
    4,
  ],
  [
    'a partition was detached',
    'ALTER TABLE path DETACH PARTITION path_3',
    /^partition set changed: public\.path_3 or its partner was detached/,
    2,
  ],
];

const ORPHANS = `INSERT INTO path VALUES ('two', -1, 'orphan'), ('two', -2, 'orphan')`;

describe('the gate is closed when', () => {
  it.each(DAMAGE)('%s', async (_, sql, reason) => {
    const { observer, execution } = await beforeGate();
    await observer.query(sql);
    const before = await everything(observer);

    expect(await execution.verifyGate()).toMatchObject({
      status: 'FAILED',
      pairs: 3,
      reason: expect.stringMatching(reason),
    });

    // And the drop asks again, under its lock, whatever it was told.
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
      name: 'GateFailed',
      message: expect.stringMatching(reason),
    });
    expect(await everything(observer)).toBe(before);
    expect(await parentStands(observer)).toBe(true);
    expect(await oneRow(observer, 'SELECT dropped_at FROM p2pfk.migration')).toEqual({ dropped_at: null });
  });

  it('orphans came in below valid foreign keys', async () => {
    const { observer, execution } = await beforeGate(COUNTED);
    await smuggle(observer, ORPHANS);

    expect(await execution.verifyGate()).toMatchObject({
      status: 'FAILED',
      pairs: 3,
      reason: expect.stringMatching(/^orphaned rows below valid foreign keys: 2 in path_2;/),
    });
    expect(await oneRow(observer, `SELECT orphans::int FROM p2pfk.pair WHERE referencing = 'public.path_2'`)).toEqual({
      orphans: 2,
    });
    expect(await parentStands(observer)).toBe(true);
  });

  it('a partition without a partner was attached with rows after the plan', async () => {
    const { observer, execution } = await beforeGate();
    // Its inodes lie in two partitions, so no pair foreign key can guard its rows; the parent FK does.
    await observer.query(`
      CREATE TABLE inode_9 PARTITION OF inode FOR VALUES IN ('nine');
      CREATE TABLE inode_10 PARTITION OF inode FOR VALUES IN ('ten');
      INSERT INTO inode VALUES ('nine', 1, 1), ('ten', 1, 1);
      CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine', 'ten');
      INSERT INTO path VALUES ('nine', 1, 'a name');`);
    const before = await everything(observer);

    expect(await execution.verifyGate()).toMatchObject({ status: 'FAILED', reason: expect.stringMatching(/path_9/) });
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'GateFailed' });
    expect(await everything(observer)).toBe(before);
  });
});

describe('a plan that is out of date, since', () => {
  it('a second referenced partition can hold keys of a leaf, says so and ends nothing but this execution', async () => {
    const { observer } = await databaseWith(
      `${THREE_PAIRS}
       CREATE TABLE path_d PARTITION OF path DEFAULT;
       INSERT INTO path SELECT medium, min(ino), 'a name' FROM inode WHERE tableoid = 'inode_4'::regclass GROUP BY medium;`,
    );
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys');
    await observer.query(`CREATE TABLE inode_10 PARTITION OF inode FOR VALUES IN ('ten')`);
    const refusal = {
      name: 'PartitionSetChanged',
      message: expect.stringMatching(/path_d has no partner any more, as its keys lie in 2 referenced partitions: /),
    };

    await expect(execution.verifyGate()).rejects.toMatchObject(refusal);
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject(refusal);
    expect(await parentStands(observer)).toBe(true);
  });

  it.each(CHANGES)('%s, ends nothing but this execution', async (_, sql, reason, pairs) => {
    const { observer, execution } = await beforeGate();
    await observer.query(sql);
    const before = await everything(observer);
    const refusal = { name: 'PartitionSetChanged', message: expect.stringMatching(reason) };

    await expect(execution.verifyGate()).rejects.toMatchObject(refusal);
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject(refusal);

    expect(await everything(observer)).toBe(before);
    expect(await parentStands(observer)).toBe(true);
    await execution.pause({ Error: 'PartitionSetChanged' });
    const next = new Execution();
    await next.migrate('DropParentForeignKey');
    expect(await next.verifyMigration()).toMatchObject({ status: 'MIGRATED', pairs });
  });

  it('and that a pair foreign key is disabled as well, is a gate that is closed', async () => {
    const { observer, execution } = await beforeGate();
    await observer.query(`${CHANGES[0]?.[1]}; ALTER TABLE path_2 DISABLE TRIGGER ALL`);

    expect(await execution.verifyGate()).toMatchObject({
      status: 'FAILED',
      reason: expect.stringMatching(
        /path_9 was attached after the plan; .*pair foreign key .* of public\.path_2 is not enforced/,
      ),
    });
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'GateFailed' });
  });
});

describe('the count of orphans', () => {
  it('goes on where it stopped when the handler’s time was up', async () => {
    const { observer, execution } = await beforeGate(COUNTED);
    const counted = async () =>
      (await observer.query('SELECT FROM p2pfk.pair WHERE orphans_counted_at IS NOT NULL')).rows.length;
    const steps: [string, number][] = [];

    for (let turn = 0; turn < 3; turn++) {
      const { status } = await execution.verifyGate(timeLeft(1_000));
      steps.push([status, await counted()]);
    }

    expect(steps).toEqual([
      ['COUNTING', 1],
      ['COUNTING', 2],
      ['PASSED', 3],
    ]);
  });

  it('survives the death of its handler: what was counted is not counted again', async () => {
    const { db, observer, execution } = await beforeGate(COUNTED);
    const held = await holdLock(await db.client(), 'SELECT FROM p2pfk.pair WHERE pair = 2 FOR UPDATE');
    const dying = expect(execution.verifyGate()).rejects.toMatchObject({ name: 'ConnectionLost' });
    const { pid } = await waitForLockWait(observer, /UPDATE p2pfk\.pair/);
    await observer.query('SELECT pg_terminate_backend($1)', [pid]);
    await dying;
    await held.release();

    const { rows } = await observer.query(
      'UPDATE p2pfk.pair SET orphans = 7 WHERE orphans_counted_at IS NOT NULL RETURNING referencing',
    );
    expect(rows).toContainEqual({ referencing: 'public.path_1' });
    // The next handler believes the ledger.
    expect(await execution.verifyGate()).toMatchObject({
      status: 'FAILED',
      reason: expect.stringContaining('7 in path_1'),
    });
  });

  it('is taken anew after the drop, and by the next execution', async () => {
    const { observer, execution } = await beforeGate(COUNTED);
    await execution.verifyGate();
    await smuggle(observer, ORPHANS);

    const next = new Execution();
    await next.plan(COUNTED);
    expect(await next.verifyGate()).toMatchObject({ status: 'FAILED' });

    await observer.query('DELETE FROM path WHERE ino < 0');
    await next.plan(COUNTED);
    await next.verifyGate();
    await next.dropParentForeignKey();
    await smuggle(observer, ORPHANS);
    expect(await next.verifyMigration()).toMatchObject({
      status: 'FAILED',
      reason: expect.stringMatching(/^orphans: 2 orphaned rows found: 2 in path_2/),
    });
  });
});

describe('the drop', () => {
  it('is refused at once while anybody reads any partition, and nobody queues behind it', async () => {
    // A budget so long that a single wait would end this test.
    const { db, observer, execution } = await beforeGate({ lockTimeoutMs: 60_000 });
    const [reader, second] = await Promise.all([db.client(), db.client()]);
    await reader.query(`SET application_name = 'a report'`);
    const held = await holdLock(reader, `SELECT count(*) FROM path_3 WHERE name = 'hidden'`);
    const before = await everything(observer);

    let over = false;
    const refused = execution.dropParentForeignKey().finally(() => {
      over = true;
    });
    refused.catch(() => undefined);
    const queued: string[] = [];
    while (!over) {
      // The second observer uses what the drop wants to lock, and looks at who waits for anything.
      await second.query(`SET lock_timeout = '5s'; SELECT count(*) FROM path`);
      queued.push(...(await backends(observer)).filter(({ waitsForLock }) => waitsForLock).map(({ query }) => query));
    }

    await expect(refused).rejects.toMatchObject({ name: 'LockTimeout' });
    await expect(refused).rejects.toThrow(
      /AccessShareLock on public\.path_3 is held by pid \d+ \(postgres, a report\)/,
    );
    expect(queued).toEqual([]);
    expect(await everything(observer)).toBe(before);
    await held.release();
    expect(await execution.dropParentForeignKey()).toMatchObject({ status: 'DROPPED', constraint: 'path_fk' });
  });

  it('is rolled back entirely when a check after it fails', async () => {
    const { observer, execution } = await beforeGate();
    await observer.query(
      `ALTER TABLE path_1 ADD CONSTRAINT astray FOREIGN KEY (medium, ino) REFERENCES inode_2 (medium, ino) ON DELETE CASCADE NOT VALID`,
    );
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    const before = await everything(observer);

    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
      name: 'VerificationFailed',
      message: expect.stringContaining('astray (public.path_1 to public.inode_2)'),
    });

    expect(await everything(observer)).toBe(before);
    expect(await parentStands(observer)).toBe(true);
    const { rows } = await observer.query(
      `SELECT FROM p2pfk.event WHERE step = 'DropParentForeignKey' AND error IS NULL`,
    );
    expect(rows).toEqual([]);
  });

  it('is rolled back when it does not fit into the lock budget', async () => {
    const { observer, execution } = await beforeGate({ lockTimeoutMs: 300 });
    const before = await everything(observer);
    await observer.query(`
      CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END';
      CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION slow();`);

    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
      name: 'LockTimeout',
      message: expect.stringContaining('did not fit into the lock budget of 300 ms; it was rolled back'),
    });

    await observer.query('DROP EVENT TRIGGER slow; DROP FUNCTION slow()');
    expect(await everything(observer)).toBe(before);
  });

  it('deletes nothing, and fires no trigger of the application', async () => {
    const { observer, execution } = await beforeGate();
    await observer.query(`
      CREATE SEQUENCE fired;
      CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''fired''); RETURN OLD; END';
      CREATE TRIGGER fire BEFORE DELETE ON path FOR EACH ROW EXECUTE FUNCTION fire();`);

    await execution.dropParentForeignKey();
    const verified = await execution.verifyMigration();

    expect(await oneRow(observer, 'SELECT is_called FROM fired')).toEqual({ is_called: false });
    expect(await oneRow(observer, 'SELECT count(*)::int AS rows FROM inode')).toEqual({ rows: 160 });
    expect(verified.checks.find(({ id }) => id === 'delete-performance')?.detail).toMatch(/not executed: /);
  });
});
