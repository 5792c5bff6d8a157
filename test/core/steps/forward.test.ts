/** The forward states, one after the other, through the handlers: what they leave in the catalog and in the ledger. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { readMigrationReport } from '../../../core/ledger/migrations.ts';
import { handlers } from '../../../local/handlers.ts';
import { rowsSnapshot } from '../../support/catalog.ts';
import { coreSession, databaseWith, everything, foreignKeys, oneRow } from '../case.helpers.ts';
import { Execution, FORWARD, migratedTo } from '../execution.helpers.ts';

const withoutTimes = (result: unknown) => JSON.stringify(result).replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, 'some time');

/** The ledger but for its times. */
const ledger = async (observer: Client) =>
  (
    await observer.query(`
      SELECT 'migration' AS kind, to_jsonb(m) - ARRAY['updated_at', 'lease_until', 'finished_at', 'verification'] AS row FROM p2pfk.migration m
      UNION ALL SELECT 'pair', to_jsonb(p) - ARRAY['orphans_counted_at'] FROM p2pfk.pair p
      UNION ALL SELECT 'event', to_jsonb(e) FROM p2pfk.event e
      ORDER BY 1, 2`)
  ).rows;

it('leaves pair foreign keys and indexes where the parent FK was, and every row as it was', async () => {
  const { observer } = await databaseWith();
  const rows = await rowsSnapshot(observer);

  const execution = new Execution();
  await execution.migrate();

  expect(await foreignKeys(observer)).toEqual(
    [1, 2, 3].map(
      (n) =>
        `path_${n} fk_path_to_inode_${n} FOREIGN KEY (medium, ino) REFERENCES inode_${n}(medium, ino) ON DELETE CASCADE valid t`,
    ),
  );
  const { indexes } = await oneRow<{ indexes: string }>(
    observer,
    `SELECT string_agg(pg_get_indexdef(indexrelid) || ' ' || indisvalid, '; ' ORDER BY indexrelid::regclass::text) AS indexes
     FROM pg_index WHERE indrelid::regclass::text ~ '^path_'`,
  );
  expect(indexes).toBe(
    [1, 2, 3].map((n) => `CREATE INDEX idx_path_${n}_fk ON public.path_${n} USING btree (medium, ino) true`).join('; '),
  );
  expect(await rowsSnapshot(observer)).toBe(rows);
  expect((await new Execution().plan()).status).toBe('ALREADY_MIGRATED');
});

it('changes nothing when a state is entered twice', async () => {
  const { observer, execution } = await migratedTo('Plan');
  const again = await execution.plan();
  expect(again).toMatchObject({ status: 'PLANNED', migrationId: execution.migrationId });
  expect(again).not.toHaveProperty('resumed');

  for (const state of FORWARD) {
    const first = await execution.run(state);
    const before = [await everything(observer), await ledger(observer)];

    const second = await execution.run(state);

    expect([await everything(observer), await ledger(observer)], state).toEqual(before);
    if (['VerifyGate', 'VerifyMigration'].includes(state)) expect(withoutTimes(second)).toEqual(withoutTimes(first));
    else for (const result of second) expect(result, state).toMatchObject({ status: 'SKIPPED' });
  }
});

it('leaves what is there already, made by whomever', async () => {
  const { observer } = await databaseWith();
  await observer.query(`
    CREATE INDEX by_hand ON path_1 (ino, medium);
    ALTER TABLE path_1 ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_1 ON DELETE CASCADE NOT VALID;
    ALTER TABLE path_2 ADD CONSTRAINT fk_path_to_inode_2 CHECK (ino > 0);`);
  const before = await everything(observer);
  const execution = new Execution();
  await execution.plan();

  expect(await execution.buildIndex(1)).toMatchObject({ status: 'SKIPPED', object: 'by_hand' });
  expect(await execution.addForeignKey(1)).toMatchObject({ status: 'SKIPPED', object: 'mine' });
  await execution.runUntil('VerifyMigration');

  expect(await foreignKeys(observer)).toEqual([
    expect.stringMatching(/^path_1 mine .* valid t$/),
    expect.stringMatching(/^path_2 fk_path_to_inode_2_[0-9a-f]{8} /),
    expect.stringMatching(/^path_3 fk_path_to_inode_3 /),
  ]);
  // A rollback takes away what this migration made, and nothing else.
  const back = new Execution();
  await back.plan({ operation: 'rollback' });
  await back.rollBack(null);
  expect((await everything(observer)).replace(/(path_1 mine: .* CASCADE)( .* valid )t/, '$1 NOT VALID$2f')).toBe(
    before,
  );
});

it('rebuilds an index that an interrupted build left INVALID', async () => {
  const { observer } = await databaseWith();
  await observer.query(`CREATE INDEX idx_path_1_fk ON path_1 (medium, ino)`);
  await observer.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_path_1_fk'::regclass`);
  const { oid } = await oneRow<{ oid: number }>(observer, `SELECT 'idx_path_1_fk'::regclass::oid AS oid`);
  const execution = new Execution();
  await execution.plan();

  await execution.buildIndex(1);

  const index = await oneRow(
    observer,
    `SELECT indisvalid, indexrelid <> $1 AS rebuilt FROM pg_index WHERE indexrelid = 'idx_path_1_fk'::regclass`,
    [oid],
  );
  expect(index).toEqual({ indisvalid: true, rebuilt: true });
});

describe('the ledger', () => {
  it('records every statement with the locks that it held before its COMMIT', async () => {
    const { observer } = await migratedTo('VerifyMigration');

    const { rows: events } = await observer.query<{
      pair: number;
      step: string;
      sql: string;
      locks: { relation: string; mode: string }[];
      lock_wait_ms: number;
      lock_held_ms: number;
    }>(
      'SELECT pair, step, sql, locks, lock_wait_ms, lock_held_ms FROM p2pfk.event WHERE migration_id IS NOT NULL AND sql IS NOT NULL ORDER BY step, pair, id',
    );
    const of = (step: string) => events.filter((event) => event.step === step);
    const strong = (step: string) =>
      of(step)[0]
        ?.locks.filter(({ mode }) => !['AccessShareLock', 'RowShareLock'].includes(mode))
        .map(({ relation, mode }) => `${relation} ${mode}`);

    const words = (sql: string) => /^\S+ \S+/.exec(sql)?.[0];
    expect(events.map(({ step, pair, sql }) => `${step} ${pair} ${words(sql)}`)).toEqual([
      ...[1, 2, 3].flatMap((pair) =>
        ['LOCK TABLE', 'CREATE TRIGGER', 'ALTER TABLE'].map((sql) => `AddForeignKeys ${pair} ${sql}`),
      ),
      ...[1, 2, 3].map((pair) => `BuildIndexes ${pair} CREATE INDEX`),
      'DropParentForeignKey null LOCK TABLE',
      'DropParentForeignKey null ALTER TABLE',
      ...[1, 2, 3].flatMap((pair) => ['LOCK TABLE', 'ALTER TABLE'].map((sql) => `ValidateForeignKeys ${pair} ${sql}`)),
    ]);
    expect(of('AddForeignKeys')[0]?.sql).toBe(
      'LOCK TABLE ONLY public.inode_1, ONLY public.path_1 IN SHARE ROW EXCLUSIVE MODE',
    );
    // One row for each try, and none where its locks block no reader and no writer.
    const tries = events.filter((event) => event.lock_held_ms !== null);
    expect(tries.map(({ step, sql }) => `${step} ${words(sql)}`)).toEqual([
      ...[1, 2, 3].map(() => 'AddForeignKeys LOCK TABLE'),
      'DropParentForeignKey LOCK TABLE',
    ]);
    expect(strong('AddForeignKeys')).toEqual([
      'public.inode_1 ShareRowExclusiveLock',
      'public.path_1 ShareRowExclusiveLock',
    ]);
    expect(strong('ValidateForeignKeys')).toEqual(['public.path_1 ShareUpdateExclusiveLock']);
    expect(of('ValidateForeignKeys')[0]?.locks).toContainEqual({ relation: 'public.inode_1', mode: 'RowShareLock' });
    expect(strong('DropParentForeignKey')?.filter((lock) => lock.endsWith('AccessExclusiveLock'))).toHaveLength(9);
    expect(of('DropParentForeignKey')[1]?.sql).toBe('ALTER TABLE public.path DROP CONSTRAINT path_fk');
    for (const event of events.filter(({ sql }) => sql.startsWith('LOCK TABLE')))
      expect(event.lock_wait_ms).toBeGreaterThanOrEqual(0);
  });

  it('tells what an execution has come to, also for migrate --json', async () => {
    const { db, observer, execution } = await migratedTo('Plan', { approval: 'manual', keepIndexes: true });
    const states: string[] = [];
    for (const state of FORWARD.slice(0, 3)) {
      await execution.run(state);
      states.push((await oneRow<{ state: string }>(observer, 'SELECT state FROM p2pfk.pair WHERE pair = 1')).state);
    }
    await observer.query('UPDATE p2pfk.migration SET approved_at = now()');
    await execution.runUntil('VerifyMigration');

    const report = await readMigrationReport(await coreSession(db.url), execution.migrationId);

    expect(states).toEqual(['indexed', 'added', 'validated']);
    expect(report.state).toBe('migrated');
    expect(report.verification?.checks.map(({ id, passed }) => [id, passed])).toEqual(
      [
        'pair-foreign-keys',
        'parent-foreign-key',
        'foreign-key-targets',
        'delete-performance',
        'orphans',
        'inventory',
      ].map((id) => [id, true]),
    );
    expect(report.pairs[0]).toEqual({
      referencing: 'public.path_1',
      referenced: 'public.inode_1',
      state: 'validated',
      rows: 400,
      validateMs: expect.any(Number),
      lockWaitMs: expect.any(Number),
    });
    const migration = await oneRow<{ options: object; execution: string; constraint_name: string; definition: string }>(
      observer,
      'SELECT execution, constraint_name, definition, comment, options, locked_ms > 0 AS locked, dropped_at IS NOT NULL AS dropped FROM p2pfk.migration',
    );
    expect(migration).toMatchObject({
      execution: execution.arn,
      constraint_name: 'path_fk',
      definition: 'FOREIGN KEY (medium, ino) REFERENCES public.inode(medium, ino) ON DELETE CASCADE',
      comment: `every path's "inode"`,
      options: { approval: 'manual', keepIndexes: true, lockTimeoutMs: 10_000 },
      locked: true,
      dropped: true,
    });
  });
});

describe('events that are none', () => {
  it.each([
    [{}, /event of function add-foreign-key is not valid: migrationId: /],
    [{ migrationId: '1', execution: 'x', pair: 0 }, /pair: /],
    ['nonsense', /event: /],
  ])('%j', async (event, message) => {
    await databaseWith('');

    await expect(handlers['add-foreign-key'](event)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(message),
    });
  });

  it('of a migration or a pair that the ledger does not know change nothing', async () => {
    const { observer } = await databaseWith();
    const lost = { migrationId: '7', execution: 'arn:x', pair: 1 };

    await expect(handlers['add-foreign-key'](lost)).rejects.toMatchObject({ name: 'MigrationFenced' });
    const execution = new Execution();
    await execution.plan();
    const before = await everything(observer);
    await expect(handlers['add-foreign-key'](lost)).rejects.toMatchObject({ name: 'MigrationFenced' });
    await expect(execution.addForeignKey(4)).rejects.toThrow('has no pair 4 in the ledger');

    expect(await everything(observer)).toBe(before);
  });
});
