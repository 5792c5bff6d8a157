/** Provisioning while the application works: which locks it takes, read from pg_locks, and whom it keeps waiting. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { type ProvisionRequest, provision } from '../../../core/provision/provision-pair.ts';
import { holdLock, waitForLockWait, waitUntil } from '../../support/observe.ts';
import { everything } from '../case.helpers.ts';
import { slowNext } from '../slow-statement.helpers.ts';
import { WITH_DEFAULT } from './default.helpers.ts';
import { column, type MigratedCase, migrated, NAMED_PAIRS, standingOn } from './migrated.helpers.ts';

const REQUEST = { table: 'path', bound: "FOR VALUES IN ('five')", dryRun: false, lockTimeoutMs: 5_000 };

/** Locks on tables that were there before, other than the weakest, as `relation mode`. */
async function locksOf(observer: Client, pid: number): Promise<string[]> {
  return column(
    observer,
    `SELECT DISTINCT format('%s %s', c.relname, l.mode) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
      WHERE l.pid = $1 AND l.granted AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
        AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') ORDER BY 1`,
    [pid],
  );
}

/** The same of all sessions. */
const locksOfAll = (observer: Client) =>
  column(
    observer,
    `SELECT format('%s %s', c.relname, l.mode) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.granted`,
  );

/** Tables whose partitions are partitioned, and what is to be provided below one of them. */
const BELOW = `
  CREATE TABLE inode (medium text, ino bigint, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE path (medium text NOT NULL, ino bigint, name text NOT NULL) PARTITION BY LIST (medium);
  CREATE TABLE inode_one PARTITION OF inode FOR VALUES IN ('one') PARTITION BY RANGE (ino);
  CREATE TABLE inode_one_a PARTITION OF inode_one FOR VALUES FROM (0) TO (10);
  CREATE TABLE path_one PARTITION OF path FOR VALUES IN ('one') PARTITION BY RANGE (ino);
  CREATE TABLE path_one_a PARTITION OF path_one FOR VALUES FROM (0) TO (10);
  INSERT INTO inode SELECT 'one', ino FROM generate_series(1, 9) AS ino;
  INSERT INTO path SELECT 'one', ino, 'a name' FROM generate_series(1, 9) AS ino;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE;`;
const REQUEST_BELOW = {
  ...REQUEST,
  table: 'path_one',
  bound: 'FOR VALUES FROM (10) TO (20)',
  referencing: 'path_one_b',
  referenced: 'inode_one_b',
};

/** Runs `look` while a provisioning stands just before its COMMIT, all of its locks held. */
async function beforeCommit(
  testCase: MigratedCase,
  look: (pid: number) => Promise<void>,
  request: ProvisionRequest = REQUEST,
): Promise<void> {
  const blocker = await testCase.db.client();
  // Its last statement writes here. An insert into another table waits for nobody of ours.
  const held = await holdLock(blocker, 'LOCK TABLE p2pfk.event IN EXCLUSIVE MODE');
  const provisioned = provision(testCase.core, request);
  try {
    const { pid } = await waitForLockWait(testCase.observer, /p2pfk\.record/);
    await look(pid);
  } finally {
    await held.release();
    await provisioned;
  }
}

describe('provisioning', () => {
  it('takes SHARE UPDATE EXCLUSIVE on the two tables and nothing on their partitions', async () => {
    const testCase = await migrated();
    await beforeCommit(testCase, async (pid) => {
      expect(await locksOf(testCase.observer, pid)).toEqual([
        'inode ShareUpdateExclusiveLock',
        'path ShareUpdateExclusiveLock',
      ]);
    });
  });

  it('is tried again where its own limit cuts what comes before its locks', async () => {
    const testCase = await migrated();
    slowNext(testCase.core, /p2pfk\.began_at/, 1.2);
    await provision(testCase.core, { ...REQUEST, lockTimeoutMs: 1_000 });
    expect((await standingOn(testCase.observer, 'path_five')).foreignKeys).toHaveLength(1);
  });

  it('keeps no reader and no writer waiting', async () => {
    const testCase = await migrated();
    const application = await testCase.db.client();
    await application.query("SET lock_timeout = '100ms'");
    await beforeCommit(testCase, async () => {
      await application.query(`
        INSERT INTO inode VALUES ('one', 1000); INSERT INTO path VALUES ('one', 1000, 'x');
        UPDATE path SET name = 'y' WHERE ino = 1000; SELECT count(*) FROM path; DELETE FROM inode WHERE ino = 1000;`);
    });
    expect((await standingOn(testCase.observer, 'path_five')).foreignKeys).toHaveLength(1);
  });

  it('is kept waiting by no reader and no writer', async () => {
    const testCase = await migrated();
    const application = await testCase.db.client();
    const working = await holdLock(
      application,
      "INSERT INTO inode VALUES ('one', 1000); INSERT INTO path VALUES ('one', 1000, 'x'); SELECT count(*) FROM path",
    );
    await provision(testCase.core, { ...REQUEST, lockTimeoutMs: 200 });
    await working.release();
  });

  it('takes ACCESS EXCLUSIVE on DEFAULT partitions, where PostgreSQL looks for rows', async () => {
    const testCase = await migrated(WITH_DEFAULT);
    await beforeCommit(testCase, async (pid) => {
      expect(await locksOf(testCase.observer, pid)).toEqual([
        'inode ShareUpdateExclusiveLock',
        'inode_default AccessExclusiveLock',
        'path ShareUpdateExclusiveLock',
        'path_default AccessExclusiveLock',
      ]);
    });
  });

  it('takes SHARE ROW EXCLUSIVE on the tables at the other end of parent-level foreign keys, and no more', async () => {
    const testCase = await migrated(
      `${NAMED_PAIRS}
       CREATE TABLE kind (k text PRIMARY KEY); INSERT INTO kind VALUES ('a name');
       ALTER TABLE path ADD CONSTRAINT path_kind FOREIGN KEY (name) REFERENCES kind;
       CREATE TABLE note (medium text, ino bigint, FOREIGN KEY (medium, ino) REFERENCES inode);`,
      { constraint: 'path_fk' },
    );
    const wanted = { ...REQUEST, constraint: 'path_fk' };
    const dry = await provision(testCase.core, { ...wanted, dryRun: true });
    expect(dry.statements[1]?.sql).toBe('LOCK TABLE ONLY public.kind, ONLY public.note IN SHARE ROW EXCLUSIVE MODE');
    const blocker = await testCase.db.client();
    const held = await holdLock(blocker, 'LOCK TABLE p2pfk.event IN EXCLUSIVE MODE');
    const provisioned = provision(testCase.core, wanted);
    const { pid } = await waitForLockWait(testCase.observer, /p2pfk\.record/);
    expect(await locksOf(testCase.observer, pid)).toEqual([
      'inode ShareUpdateExclusiveLock',
      'kind ShareRowExclusiveLock',
      'note ShareRowExclusiveLock',
      'path ShareUpdateExclusiveLock',
    ]);
    await held.release();
    await provisioned;
  });

  it('takes them also where a foreign key is to or of a table above, with the partitions of a table that is referenced', async () => {
    const testCase = await migrated(
      `${BELOW}
       CREATE TABLE kind (k text PRIMARY KEY) PARTITION BY LIST (k);
       CREATE TABLE kind_a PARTITION OF kind FOR VALUES IN ('a name') PARTITION BY LIST (k);
       CREATE TABLE kind_aa PARTITION OF kind_a FOR VALUES IN ('a name'); INSERT INTO kind VALUES ('a name');
       ALTER TABLE path ADD CONSTRAINT path_kind FOREIGN KEY (name) REFERENCES kind;
       CREATE TABLE note (medium text, ino bigint, FOREIGN KEY (medium, ino) REFERENCES inode);
       CREATE TABLE notes (medium text, ino bigint, FOREIGN KEY (medium, ino) REFERENCES inode) PARTITION BY LIST (medium);
       CREATE TABLE notes_one PARTITION OF notes FOR VALUES IN ('one');`,
      { constraint: 'path_fk' },
    );
    const wanted = { ...REQUEST_BELOW, constraint: 'path_fk' };
    await beforeCommit(
      testCase,
      async (pid) => {
        expect(await locksOf(testCase.observer, pid)).toEqual([
          'inode_one ShareUpdateExclusiveLock',
          'kind ShareRowExclusiveLock',
          'kind_a ShareRowExclusiveLock',
          'kind_aa ShareRowExclusiveLock',
          'note ShareRowExclusiveLock',
          'notes ShareRowExclusiveLock',
          'path_one ShareUpdateExclusiveLock',
        ]);
      },
      wanted,
    );
    const dry = await provision(testCase.core, {
      ...wanted,
      bound: 'FOR VALUES FROM (20) TO (30)',
      referencing: 'path_one_c',
      referenced: 'inode_one_c',
      dryRun: true,
    });
    expect(dry.statements[1]?.sql).toBe(
      'LOCK TABLE ONLY public.kind, ONLY public.kind_a, ONLY public.kind_aa, ONLY public.note, ONLY public.notes IN SHARE ROW EXCLUSIVE MODE',
    );
  });

  it('gives up within the lock budget where somebody else changes the table, names who, and changes nothing', async () => {
    const testCase = await migrated();
    const before = await everything(testCase.observer);
    const other = await testCase.db.client();
    const held = await holdLock(other, 'LOCK TABLE path IN SHARE UPDATE EXCLUSIVE MODE');
    await expect(provision(testCase.core, { ...REQUEST, lockTimeoutMs: 50 })).rejects.toMatchObject({
      name: 'LockTimeout',
      message: expect.stringMatching(
        /no lock within 50 ms for Provision, nothing was changed: ShareUpdateExclusiveLock on public.path/,
      ),
    });
    await held.release();
    expect(await everything(testCase.observer)).toBe(before);
  });

  it('tries again after a lock was not free', async () => {
    const testCase = await migrated(WITH_DEFAULT);
    const reader = await testCase.db.client();
    const held = await holdLock(reader, 'SELECT FROM path_default');
    const provisioned = provision(testCase.core, { ...REQUEST, lockTimeoutMs: 1_500 });
    await waitForLockWait(testCase.observer, /LOCK TABLE public.inode_default/);
    await held.release();
    expect((await provisioned).status).toBe('PROVISIONED');
  });
});

describe.each([
  ['a foreign key to the table above leads to', ''],
  [
    'an event trigger locks, which no list tells',
    `CREATE FUNCTION lock_third() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE public.third IN SHARE ROW EXCLUSIVE MODE; END $$;
       CREATE EVENT TRIGGER lock_third ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION lock_third()`,
  ],
])('a table that %s', (_, more) => {
  it('keeps its writers waiting no longer than the lock budget, and is counted as blocked', async () => {
    const third = 'CREATE TABLE third (medium text, ino bigint, FOREIGN KEY (medium, ino) REFERENCES inode);';
    const testCase = await migrated(`${BELOW} ${more ? 'CREATE TABLE third (medium text, ino bigint);' : third}`);
    await testCase.observer.query(more);
    const wanted = { ...REQUEST_BELOW, lockTimeoutMs: 1_000 };
    // Right after ATTACH PARTITION: a busy machine.
    slowNext(testCase.core, /^-- A partition that was just made/, 25);
    const provisioned = provision(testCase.core, wanted).catch((error: unknown) => error);
    await waitUntil(
      async () => (await locksOfAll(testCase.observer)).includes('third ShareRowExclusiveLock'),
      'a lock on third',
    );
    const beganAt = performance.now();
    await testCase.observer.query("INSERT INTO third VALUES ('one', 1)");
    expect(performance.now() - beganAt).toBeLessThan(12_000);
    expect(await provisioned).toMatchObject({ message: expect.stringContaining('did not fit into the lock budget') });
    expect(await provision(testCase.core, { ...wanted, lockTimeoutMs: 5_000 })).toMatchObject({
      blocked: { tries: 1 },
    });
  });
});
