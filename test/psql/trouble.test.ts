/** The psql scripts among others: locks that are held, sessions that die, two at once, hostile names, p2pfk before and after. */
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import { expect, it } from 'vitest';
import { databaseWith, everything, oneRow, THREE_PAIRS } from '../core/case.helpers.ts';
import { Execution, migratedTo } from '../core/execution.helpers.ts';
import { proxiedCase, watchWaits } from '../core/steps/proxied.helpers.ts';
import { catalogSnapshot } from '../support/catalog.ts';
import { holdLock, waitUntil } from '../support/observe.ts';
import { describeWithPsql, psql, psqlFile, psqlInOrder, STEPS, startPsql } from './psql.helpers.ts';

const state = async (observer: Client) =>
  (await oneRow<{ state: string }>(observer, 'SELECT state FROM p2pfk.migration ORDER BY id DESC LIMIT 1')).state;

describeWithPsql('a lock that is held', () => {
  it('is waited for within the budget and tried again, and its holder is named', async () => {
    // With the indexes there: a build would wait for the older transaction, and rightly without a limit.
    const { db, observer } = await databaseWith(`${THREE_PAIRS} CREATE INDEX ON path (medium, ino);`);
    const { release } = await holdLock(await db.client(), 'LOCK TABLE path_2 IN ROW EXCLUSIVE MODE');

    const { finished } = startPsql(db.url, 'step1', { table: 'path', lock_timeout_ms: '500' });
    const ended = finished.then(({ errors }) =>
      Promise.reject(new Error(`the script has ended: ${errors.join('\n')}`)),
    );
    const tried = waitUntil(
      async () =>
        (await observer.query(`SELECT FROM p2pfk.event WHERE error IS NOT NULL`).catch(() => ({ rows: [] }))).rows
          .length > 1,
      'two refused tries',
    );
    ended.catch(() => undefined);
    await Promise.race([tried, ended]);
    await release();
    const { code, lines } = await finished;

    expect(code).toBe(0);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^↻ Attempt 2: FK for path_2, after LockTimeout: no lock within 500 ms for AddForeignKeys: RowExclusiveLock on public\.path_2 is held by pid \d+ \(postgres, test\)/,
      ),
    );
    const { rows } = await observer.query('SELECT pair, attempts > 0 AS tried FROM p2pfk.pair ORDER BY pair');
    expect(rows.map(({ tried }) => tried)).toEqual([false, true, false]);
  });

  it('by any reader refuses the drop at once, with its query but not its data; given up, nothing has changed', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2']);
    const before = await everything(observer);
    const { release } = await holdLock(await db.client(), `/* don't retry */ SELECT 's3cr3t', 4711 FROM path_3`);

    const variables = { table: 'path', lock_tries: '2', lock_timeout_ms: '500', blocking_queries: 'on' };
    const { code, errors } = await psql(db.url, 'step3', variables);
    await release();

    expect(code).toBe(3);
    expect(errors).toEqual([
      expect.stringMatching(
        /^ERROR: {2}no lock within 500 ms for DropParentForeignKey: AccessShareLock on public\.path_3 is held by pid .*: SELECT '\.\.\.', \.\.\. FROM path_3 .*\(given up after 2 tries: run the script again\)$/,
      ),
    ]);
    expect(await everything(observer)).toBe(before);
    expect(await state(observer)).toBe('paused');
    await psqlInOrder(db.url, ['step3']);
  });
});

describeWithPsql('a step whose statements arrive too slowly', () => {
  const BUDGET_MS = 1_000;
  /** As test/chaos/online has it. */
  const MARGIN_MS = 1_500;

  it('is rolled back, and no reader and no writer waits for it longer than the budget', async () => {
    const { db, observer, proxy } = await proxiedCase(`${THREE_PAIRS} CREATE INDEX ON path (medium, ino);`);
    const before = await everything(observer);
    proxy.listen({
      before: async (_, { sql }) => {
        if (/p2pfk\.began_at/.test(sql)) proxy.slow(200);
        if (sql.startsWith('COMMIT') || sql.startsWith('ROLLBACK')) proxy.slow(0);
      },
      after: async () => undefined,
    });
    const waits = await watchWaits(db);

    const variables = { table: 'path', lock_timeout_ms: String(BUDGET_MS) };
    const { code, errors } = await psql(process.env.DATABASE_URL ?? '', 'step1', variables);
    const longest = await waits.stop();

    // From 17 on the server ends the session itself.
    expect([2, 3]).toContain(code);
    expect(errors.join('\n')).toMatch(/did not fit into the lock budget of 1000 ms|transaction timeout/);
    expect(longest.reader).toBeLessThan(BUDGET_MS + MARGIN_MS);
    expect(longest.writer).toBeLessThan(BUDGET_MS + MARGIN_MS);
    expect(await everything(observer)).toBe(before);
  });

  it('is rolled back before it commits what is too late', async () => {
    const { db, execution } = await migratedTo('Plan');
    const limit = (lock_began_at: string) =>
      psqlFile(db.url, fileURLToPath(new URL('../../sql/psql/locks/limit.sql', import.meta.url)), {
        lock_began_at,
        lock_timeout_ms: '1000',
        lock_allowed_ms: '1000',
        locks_held: 'false',
        subject: 'FK for path_1',
        resting_state: 'paused',
        migration_id: execution.migrationId,
        came_with: '{}',
        came_role: 'none',
        came_encoding: 'UTF8',
        liveness_key: '',
      });

    expect(await limit('now')).toMatchObject({ code: 0, errors: [] });
    expect(await limit('yesterday')).toMatchObject({
      code: 3,
      errors: expect.arrayContaining([
        'ERROR:  FK for path_1 did not fit into the lock budget of 1000 ms; it was rolled back: run this script again, in a calmer moment, nearer to the server, or with a larger lock_timeout_ms',
      ]),
    });
  });
});

describeWithPsql('the drop', () => {
  it('can be rehearsed: it is proved and changes nothing', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2']);
    const before = await everything(observer);

    const [rehearsal] = await psqlInOrder(db.url, ['step3'], { table: 'path', rehearse: 'on' });

    expect(rehearsal?.lines).toContainEqual(
      expect.stringMatching(
        /^✓ Rehearsed: the drop was rehearsed and rolled back: \d+ ms under lock, 4 checks passed, Deleted 10 rows in .*; nothing was changed/,
      ),
    );
    expect(await everything(observer)).toBe(before);
  });
});

describeWithPsql('two sessions', () => {
  it('are told of each other; when the first is gone, the second may go on at once', async () => {
    const { db, observer } = await databaseWith();
    const { release } = await holdLock(await db.client(), 'LOCK TABLE path_1 IN ROW EXCLUSIVE MODE');
    const first = startPsql(db.url, 'step1');
    await waitUntil(
      async () => (await observer.query(`SELECT FROM p2pfk.migration`).catch(() => ({ rows: [] }))).rows.length > 0,
      'the migration to be opened',
    );

    const second = await psql(db.url, 'step1');
    first.child.kill('SIGKILL');
    await first.finished;
    await release();
    await waitUntil(
      async () =>
        (
          await observer.query(
            `SELECT FROM pg_stat_activity WHERE application_name LIKE 'p2pfk/%' AND datname = current_database()`,
          )
        ).rows.length === 0,
      'the killed session to end',
    );
    const third = await psql(db.url, 'step1');

    expect({ code: second.code, errors: second.errors }).toEqual({
      code: 3,
      errors: [
        expect.stringMatching(
          /^ERROR: {2}migration 1 of path_fk on public\.path is being worked on by .*:psql-.* \(state running\)/,
        ),
      ],
    });
    expect(third.code).toBe(0);
  });

  it('a rollback fences a forward script that is late', async () => {
    const { db, observer } = await databaseWith();
    const before = await everything(observer);
    await psqlInOrder(db.url, ['step1']);
    await observer.query(`UPDATE p2pfk.migration SET state = 'rolling-back', fenced_at = now()`);

    const late = await psql(db.url, 'step2');
    const [back] = await psqlInOrder(db.url, ['rollback']);

    expect(late.errors).toEqual([
      'ERROR:  a rollback of migration 1 has begun: finish it with sql/migrate-to-p2p-fk-rollback.sql',
    ]);
    expect(back?.lines).toContain('✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓');
    expect(await everything(observer)).toBe(before);
  });
});

describeWithPsql('p2pfk and psql', () => {
  it('the state machine finishes what psql began', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2']);

    const execution = new Execution();
    const planned = await execution.plan();
    await execution.runUntil('VerifyMigration');

    expect(planned).toMatchObject({ status: 'PLANNED', migrationId: '1' });
    expect(await state(observer)).toBe('migrated');
    const { rows } = await observer.query('SELECT bool_and(constraint_added AND index_added) AS ours FROM p2pfk.pair');
    expect(rows).toEqual([{ ours: true }]);
  });

  it('psql finishes what the state machine began, and the state machine rolls it back', async () => {
    const { db, observer } = await databaseWith();
    const before = await everything(observer);
    const execution = new Execution();
    await execution.plan();
    await execution.runUntil('AddForeignKeys');

    await psqlInOrder(db.url, ['step2', 'step3', 'step4']);
    expect(await state(observer)).toBe('migrated');
    const rollback = new Execution();
    await rollback.plan({ operation: 'rollback' });
    await rollback.rollBack(null);

    expect(await everything(observer)).toBe(before);
    expect(await state(observer)).toBe('rolled-back');
  });

  it('psql rolls back what the state machine has migrated', async () => {
    const { db, observer } = await databaseWith();
    const before = await everything(observer);
    await new Execution().migrate();

    await psqlInOrder(db.url, ['rollback']);

    expect(await everything(observer)).toBe(before);
  });

  it('psql leaves an execution that lives alone', async () => {
    const { db } = await databaseWith();
    const execution = new Execution('arn:aws:states:eu-central-1:123456789012:execution:p2pfk:nightly');
    await execution.plan();

    const { code, errors } = await psql(db.url, 'step2');

    expect(code).toBe(3);
    expect(errors).toEqual([
      expect.stringContaining('is being worked on by arn:aws:states:eu-central-1:123456789012:execution:p2pfk:nightly'),
    ]);
  });
});

describeWithPsql('hostile names', () => {
  const schema = '"we""ird; DROP SCHEMA x"';
  const inode = String.raw`${schema}."in'ode :table \x"`;
  const path = String.raw`${schema}."Päth ""q"" \q :'pairs' ★"`;

  it('of every kind go there and back', async () => {
    const { db, observer } = await databaseWith(String.raw`
      CREATE SCHEMA ${schema};
      CREATE TABLE ${inode} ("K $$" text, "i:d" bigint, PRIMARY KEY ("K $$", "i:d")) PARTITION BY LIST ("K $$");
      CREATE TABLE ${path} ("K $$" text, "i:d" bigint) PARTITION BY LIST ("K $$");
      CREATE TABLE ${schema}."a;--" PARTITION OF ${inode} FOR VALUES IN ('it''s', '\gexec');
      CREATE TABLE ${schema}."b /*" PARTITION OF ${inode} FOR VALUES IN (':x');
      CREATE TABLE ${schema}."pa;--" PARTITION OF ${path} FOR VALUES IN ('\gexec', 'it''s');
      CREATE TABLE ${schema}."${'p'.repeat(60)}" PARTITION OF ${path} FOR VALUES IN (':x');
      INSERT INTO ${inode} SELECT k, i FROM unnest(ARRAY['it''s', '\gexec', ':x']) AS k, generate_series(1, 30) AS i;
      INSERT INTO ${path} SELECT * FROM ${inode};
      ALTER TABLE ${path} ADD CONSTRAINT "fk'; DROP $$ :c" FOREIGN KEY ("K $$", "i:d") REFERENCES ${inode} ON DELETE CASCADE;
      COMMENT ON CONSTRAINT "fk'; DROP $$ :c" ON ${path} IS 'it''s \gexec :''x''';`);
    const before = await catalogSnapshot(observer);

    const [first] = await psqlInOrder(db.url, STEPS, { table: path });
    const [back] = await psqlInOrder(db.url, ['rollback'], { table: path });

    expect(first?.lines).toContain('[1/2] ✓ Added NOT VALID FK for partition: "pa;--" → "a;--"');
    expect(back?.lines).toContain('✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓');
    expect(await catalogSnapshot(observer)).toBe(before);
  });
});
