/** The five psql scripts, gone through as `sql/README.md` says. */
import { Client } from 'pg';
import { expect, inject, it, onTestFinished } from 'vitest';
import { databaseWith, everything, findDatabaseAt, oneRow, THREE_PAIRS } from '../core/case.helpers.ts';
import { Execution, type ForwardState } from '../core/execution.helpers.ts';
import { catalogSnapshot } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import { describeWithPsql, psql, psqlInOrder, STEPS, withoutTimes } from './psql.helpers.ts';

/** The states of the state machine that each script stands for. */
const STATES: Readonly<Record<(typeof STEPS)[number], readonly ForwardState[]>> = {
  step1: ['BuildIndexes', 'AddForeignKeys'],
  step2: ['ValidateForeignKeys'],
  step3: ['VerifyGate', 'DropParentForeignKey'],
  step4: ['VerifyMigration'],
};

/** A column list after SET NULL exists from 15 on. */
async function understood(schema: string): Promise<string> {
  const server = new Client({ connectionString: inject('serverUrl') });
  await server.connect();
  const { num } = await oneRow<{ num: number }>(server, `SELECT current_setting('server_version_num')::int AS num`);
  await server.end();
  return num < 150_000 ? schema.replace('SET NULL (ino)', 'CASCADE') : schema;
}

async function ledger(observer: Client) {
  return oneRow<{ state: string; execution: string; dropped: boolean; verified: boolean | null }>(
    observer,
    `SELECT state, execution, dropped_at IS NOT NULL AS dropped, (verification ->> 'passed')::boolean AS verified
     FROM p2pfk.migration ORDER BY id DESC LIMIT 1`,
  );
}

describeWithPsql('the four steps', () => {
  it('say what the command line says, and tell the ledger', async () => {
    const { db, observer } = await databaseWith();

    const [first, second, third, fourth] = await psqlInOrder(db.url, STEPS);

    expect(withoutTimes(first?.lines ?? [])).toEqual([
      expect.stringMatching(/^! after the migration an UPDATE of public\.inode that moves a row .* is refused/),
      'Migrating path → inode: 3 pairs, parent-level FK path_fk',
      '[1/3] ✓ Built index idx_path_1_fk on path_1 in TIME',
      '[2/3] ✓ Built index idx_path_2_fk on path_2 in TIME',
      '[3/3] ✓ Built index idx_path_3_fk on path_3 in TIME',
      'Successfully built 3 indexes',
      '[1/3] ✓ Added NOT VALID FK for partition: path_1 → inode_1',
      '[2/3] ✓ Added NOT VALID FK for partition: path_2 → inode_2',
      '[3/3] ✓ Added NOT VALID FK for partition: path_3 → inode_3',
      'Successfully added 3 partition-level FK constraints',
    ]);
    expect(withoutTimes(second?.lines ?? [])).toEqual([
      '[1/3] ✓ Validated FK for path_1 (400 rows) in TIME',
      '[2/3] ✓ Validated FK for path_2 (20 rows) in TIME',
      '[3/3] ✓ Validated FK for path_3 (20 rows) in TIME',
      'Successfully validated 3 partition-level FK constraints',
      '✓ No FK violations found - all data is valid',
    ]);
    expect(withoutTimes(third?.lines ?? [])).toEqual([
      '✓ Preflight check passed: All 3 partition-level FKs are VALID',
      'Found parent-level FK constraint: path_fk',
      '✓ Successfully dropped parent-level FK constraint',
      '  exclusive locks held for N ms',
    ]);
    expect(withoutTimes(fourth?.lines ?? [])).toEqual([
      '[1/6] Checking partition-level FK constraints...   total 3, validated 3, not validated 0',
      '[2/6] Checking for parent-level FK...              ✓ PASS: No parent-level FK found',
      '[3/6] Verifying FK targets...                      ✓ PASS: All FK constraints reference matching partition pairs',
      '[4/6] Testing DELETE performance...                ✓ Deleted 10 rows in TIME   ✓ PASS',
      '[5/6] Verifying data integrity...                  ✓ PASS: No orphaned rows found in 3 pairs checked',
      '[6/6] Listing all partition-to-partition FK constraints...',
      '  path_1 -> inode_1: fk_path_to_inode_1',
      '  path_2 -> inode_2: fk_path_to_inode_2',
      '  path_3 -> inode_3: fk_path_to_inode_3',
      '✓✓✓ MIGRATION SUCCESSFUL ✓✓✓',
    ]);
    expect(await ledger(observer)).toEqual({
      state: 'migrated',
      execution: expect.stringMatching(/:psql-\d{8}T\d{6}Z-\d+$/),
      dropped: true,
      verified: true,
    });
    const { rows } = await observer.query(
      'SELECT step, count(*)::int, bool_and(locks IS NOT NULL) AS locks, count(lock_held_ms)::int AS tries FROM p2pfk.event GROUP BY 1 ORDER BY 1',
    );
    expect(rows).toEqual([
      { step: 'AddForeignKeys', count: 9, locks: true, tries: 3 },
      { step: 'BuildIndexes', count: 3, locks: false, tries: 0 },
      { step: 'DropParentForeignKey', count: 2, locks: true, tries: 1 },
      { step: 'Ledger', count: 1, locks: false, tries: 0 },
      { step: 'ValidateForeignKeys', count: 6, locks: true, tries: 0 },
    ]);
  });

  it.each([
    [
      'three pairs, a name of its own on a leaf, triggers that fire ALWAYS',
      `${THREE_PAIRS} DO $$ DECLARE t record; BEGIN
         FOR t IN SELECT tgrelid::regclass AS relation, tgname AS name FROM pg_trigger WHERE tgrelid IN ('path_1'::regclass, 'inode_2'::regclass) LOOP
           EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.relation, t.name);
         END LOOP; END $$;`,
    ],
    [
      'months in years, several columns in another order, other schemas, SET NULL (column), deferrable',
      `CREATE TABLE inode (day date, ino int, x text, UNIQUE (ino, day)) PARTITION BY RANGE (day);
       CREATE TABLE path (ino int, at date, name text) PARTITION BY RANGE (at);
       CREATE TABLE inode_2025 PARTITION OF inode FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
       CREATE TABLE inode_rest PARTITION OF inode FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
       CREATE SCHEMA other;
       CREATE TABLE other.path_1 PARTITION OF path FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
       CREATE TABLE path_2 PARTITION OF path FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
       CREATE TABLE path_rest PARTITION OF path FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
       INSERT INTO inode SELECT '2025-01-15'::date + 31 * (n % 2), n, 'x' FROM generate_series(1, 60) AS n;
       INSERT INTO path SELECT ino, day, 'a' FROM inode;
       ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (ino, at) REFERENCES inode (ino, day)
         ON UPDATE CASCADE ON DELETE SET NULL (ino) DEFERRABLE INITIALLY DEFERRED;`,
    ],
    [
      'HASH below LIST, a DEFAULT partition, MATCH FULL, NO ACTION',
      `CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
       CREATE TABLE path (ino int, k int) PARTITION BY LIST (k);
       CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1) PARTITION BY HASH (ino);
       CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1) PARTITION BY HASH (ino);
       CREATE TABLE inode_1_0 PARTITION OF inode_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
       CREATE TABLE inode_1_1 PARTITION OF inode_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
       CREATE TABLE path_1_0 PARTITION OF path_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
       CREATE TABLE path_1_1 PARTITION OF path_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
       CREATE TABLE inode_d PARTITION OF inode DEFAULT;
       CREATE TABLE path_d PARTITION OF path DEFAULT;
       INSERT INTO inode SELECT k, n FROM generate_series(1, 3) AS k, generate_series(1, 30) AS n;
       INSERT INTO path SELECT ino, k FROM inode;
       ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode MATCH FULL;`,
    ],
  ])('leave the catalog that the state machine leaves, there and back: %s', async (_, wanted) => {
    const schema = await understood(wanted);
    const mine = await databaseWith(schema);
    const theirs = await databaseWith(schema);
    const before = await everything(mine.observer);
    const execution = new Execution();
    onTestFinished(findDatabaseAt(theirs.db.url));
    await execution.plan({ accept: ['all'] });

    for (const step of STEPS) {
      await psqlInOrder(mine.db.url, [step], { table: 'path', accept: 'all' });
      for (const state of STATES[step]) await execution.run(state);
      expect(await catalogSnapshot(mine.observer), step).toBe(await catalogSnapshot(theirs.observer));
    }
    await psqlInOrder(mine.db.url, ['rollback']);
    await execution.rollBack();

    expect(await catalogSnapshot(mine.observer)).toBe(await catalogSnapshot(theirs.observer));
    expect(await everything(mine.observer)).toBe(before);
  });

  it('can each be run twice, and say that there was nothing left to do', async () => {
    const { db, observer } = await databaseWith();
    const said: string[] = [];

    for (const step of STEPS) {
      await psqlInOrder(db.url, [step]);
      const before = await everything(observer);
      const [again] = await psqlInOrder(db.url, [step]);
      said.push(...withoutTimes(again?.lines ?? []).filter((line) => !line.startsWith('!')));
      expect(await everything(observer), step).toBe(before);
    }
    const [fromTheStart] = await psqlInOrder(db.url, ['step1']);

    expect(said).toEqual(
      expect.arrayContaining([
        'All 3 referencing partitions have an index on the FK columns',
        '[3/3] ✓ FK is there for partition: path_3 → inode_3',
        'Successfully added 0 partition-level FK constraints (3 were there already)',
        '[1/3] ✓ FK for path_1 is valid already',
        'Successfully validated 0 partition-level FK constraints (3 were valid already)',
        '✓ Parent-level FK constraint was dropped before',
        '✓✓✓ MIGRATION SUCCESSFUL ✓✓✓',
      ]),
    );
    expect(fromTheStart?.lines).toEqual([
      '✓ Already migrated: the partition-level FKs hold and there is no parent-level FK; nothing to do',
    ]);
  });

  it('may share one session', async () => {
    const { db, observer } = await databaseWith();

    const { code, errors } = await psql(db.url, [...STEPS, 'rollback']);

    expect({ code, errors }).toEqual({ code: 0, errors: [] });
    expect(await ledger(observer)).toMatchObject({ state: 'rolled-back' });
  });

  it('take seventeen pairs as they take three', async () => {
    const db = await createDatabase('source-case');
    onTestFinished(() => db.drop());
    const observer = await db.client();
    const before = await everything(observer);

    const runs = await psqlInOrder(db.url, [...STEPS, 'rollback']);

    expect(runs[1]?.lines.at(-3)).toMatch(/^\[17\/17\] ✓ Validated FK for path_p_[0-9a-f]{8} \(\d+ rows\) in /);
    expect(runs[4]?.lines).toContain('✓ Dropped 17 partition-level FK constraints and 17 indexes');
    expect(await everything(observer)).toBe(before);
  });
});

describeWithPsql('the rollback', () => {
  it.each([
    [['step1']],
    [['step1', 'step2']],
    [['step1', 'step2', 'step3']],
    [['step1', 'step2', 'step3', 'step4']],
  ] as const)('after %j brings back what was, comment and names included, and can be run twice', async (steps) => {
    const { db, observer } = await databaseWith();
    const before = await everything(observer);
    await psqlInOrder(db.url, steps);

    const [back, again] = await psqlInOrder(db.url, ['rollback', 'rollback']);

    expect(back?.lines).toEqual(
      expect.arrayContaining([
        '✓ Dropped 3 partition-level FK constraints and 3 indexes',
        '✓ Parent-level FK is as it was: path_fk: FOREIGN KEY (medium, ino) REFERENCES inode(medium, ino) ON DELETE CASCADE',
        '✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓',
      ]),
    );
    expect(again?.lines).toEqual(['✓ Nothing to roll back: the parent-level FK is in place']);
    expect(await everything(observer)).toBe(before);
    expect(await ledger(observer)).toMatchObject({ state: 'rolled-back', dropped: false });
  });

  it('restores the parent FK first, and only then lets the pair FKs go', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, STEPS);

    const [back] = await psqlInOrder(db.url, ['rollback']);

    // Before 18 there is RestoreParent, too.
    const { rows } = await observer.query<{ step: string }>(
      `SELECT step FROM p2pfk.event WHERE step IN ('AttachParent', 'DropPairForeignKeys') GROUP BY step ORDER BY min(id)`,
    );
    expect(rows.map(({ step }) => step)).toEqual(['AttachParent', 'DropPairForeignKeys']);
    const lines = withoutTimes(back?.lines ?? []);
    expect(lines.slice(0, 2)).toEqual([
      'Rolling back path → inode: 3 pairs, parent-level FK path_fk',
      expect.stringMatching(/the parent-level FK comes back first, while the partition-level FKs hold \(online: /),
    ]);
    expect(lines.slice(-5)).toEqual([
      '✓ Restored parent-level FK constraint: path_fk in TIME',
      '✓ Dropped 3 partition-level FK constraints and 3 indexes',
      expect.stringMatching(/^✓ Parent-level FK is as it was: path_fk: /),
      '✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓',
      expect.stringMatching(/^The parent-level FK has its name, .* comments on children are not restored\.$/),
    ]);
  });

  it('leaves the indexes where that is asked, and pair FKs that were there before', async () => {
    const { db, observer } = await databaseWith(
      `${THREE_PAIRS} ALTER TABLE path_1 ADD CONSTRAINT by_hand FOREIGN KEY (medium, ino) REFERENCES inode_1 (medium, ino) ON DELETE CASCADE;`,
    );
    await psqlInOrder(db.url, ['step1', 'step2', 'step3']);

    const [back] = await psqlInOrder(db.url, ['rollback'], { table: 'path', keep_indexes: 'on' });

    expect(back?.lines).toContain('✓ Dropped 2 partition-level FK constraints and 0 indexes');
    const { rows } = await observer.query(
      `SELECT (SELECT count(*)::int FROM pg_constraint WHERE conname = 'by_hand') AS by_hand,
              (SELECT count(*)::int FROM pg_class WHERE relname LIKE 'idx_path_%_fk') AS indexes`,
    );
    expect(rows).toEqual([{ by_hand: 1, indexes: 3 }]);
  });
});
