/** Drift, each kind of it: found by its id, and gone after the very SQL that the audit printed. */
import { describe, expect, it } from 'vitest';
import { audit, auditDocument } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { everything } from '../case.helpers.ts';
import { column, migrated } from '../provision/migrated.helpers.ts';
import { brief, findings } from './findings.helpers.ts';

/** What somebody did, as SQL, and what the audit says to it. Repaired where `repaired` is not false. */
const DRIFT: [what: string, done: string, expected: string[], repaired?: false][] = [
  ['nothing', '', []],
  [
    'a pair FK dropped',
    'ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one',
    ['error missing-pair-foreign-key public.path_one'],
  ],
  [
    'triggers of the referencing side disabled',
    'ALTER TABLE path_one DISABLE TRIGGER ALL',
    ['error pair-foreign-key-not-enforced public.path_one'],
  ],
  [
    'triggers of the referenced side disabled',
    'ALTER TABLE inode_one DISABLE TRIGGER ALL',
    ['error guard-disabled public.inode_one', 'error pair-foreign-key-not-enforced public.path_one'],
  ],
  [
    'a trigger that fires on replicas only',
    `DO $$ DECLARE t name; BEGIN
       SELECT tgname INTO t FROM pg_trigger WHERE tgrelid = 'path_one'::regclass AND tgisinternal LIMIT 1;
       EXECUTE format('ALTER TABLE path_one ENABLE REPLICA TRIGGER %I', t); END $$`,
    ['error pair-foreign-key-not-enforced public.path_one'],
  ],
  [
    'a pair FK added anew, NOT VALID',
    `ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
     ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_one (medium, ino) ON DELETE CASCADE NOT VALID`,
    ['error pair-foreign-key-not-valid public.path_one'],
  ],
  [
    'a pair FK with another action in its place',
    `ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
     ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_one (medium, ino)`,
    ['error pair-foreign-key-differs public.path_one'],
  ],
  [
    'a second FK with another action',
    'ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_one (medium, ino)',
    ['warning pair-foreign-key-differs public.path_one'],
  ],
  [
    'a pair FK to the wrong partition',
    `DELETE FROM path_one; ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
     ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_two (medium, ino) ON DELETE CASCADE`,
    ['error wrong-target public.path_one'],
  ],
  [
    'a further FK to the wrong partition',
    `DELETE FROM path_one; ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_two (medium, ino)`,
    ['error wrong-target public.path_one'],
  ],
  [
    'a referenced partition replaced by another',
    `ALTER TABLE inode DETACH PARTITION inode_one; CREATE TABLE inode_new PARTITION OF inode FOR VALUES IN ('one'); DELETE FROM path_one`,
    ['error wrong-target public.path_one', 'info ledger-pair-gone public.path_one'],
  ],
  ['an index dropped', 'DROP INDEX idx_path_one_fk', ['warning missing-index public.path_one']],
  [
    'an index left INVALID',
    `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_path_one_fk'::regclass`,
    ['warning invalid-index public.path_one'],
  ],
  [
    'an INVALID index beside the one that serves',
    `CREATE INDEX other ON path_one (ino, medium); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'other'::regclass`,
    ['warning invalid-index public.path_one'],
  ],
  [
    'an index of another object left INVALID',
    `DROP INDEX idx_path_one_fk; CREATE INDEX ON path_one (medium, ino); CREATE INDEX all_of_them ON ONLY path (medium, ino);
     ALTER INDEX all_of_them ATTACH PARTITION path_one_medium_ino_idx;
     UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'path_one_medium_ino_idx'::regclass`,
    ['warning invalid-index public.path_one'],
  ],
  [
    'a pair attached',
    `CREATE TABLE inode_five PARTITION OF inode FOR VALUES IN ('five'); CREATE TABLE path_five PARTITION OF path FOR VALUES IN ('five')`,
    ['error attached-partition public.path_five'],
  ],
  [
    'a referencing partition attached to a referenced one that stood alone',
    `CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four'); INSERT INTO path VALUES ('four', 1, 'x')`,
    ['error attached-partition public.path_four'],
  ],
  [
    'a pair made by hand as it should be',
    `CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four'); CREATE INDEX ON path_four (medium, ino);
     ALTER TABLE path_four ADD FOREIGN KEY (medium, ino) REFERENCES inode_four (medium, ino) ON DELETE CASCADE`,
    ['error missing-guard public.inode_four', 'info pair-not-in-ledger public.path_four'],
  ],
  [
    'an empty referencing partition attached without a partner',
    `CREATE TABLE path_five PARTITION OF path FOR VALUES IN ('five')`,
    ['warning unpaired-empty-partition public.path_five'],
  ],
  [
    'a referencing partition with rows attached without a partner',
    `CREATE TABLE path_five PARTITION OF path FOR VALUES IN ('five'); INSERT INTO path VALUES ('five', 1, 'x')`,
    ['error unpaired-referencing-partition public.path_five'],
    false,
  ],
  ['a referenced partition attached', `CREATE TABLE inode_five PARTITION OF inode FOR VALUES IN ('five')`, []],
  ['a pair dropped', 'DROP TABLE path_one; DROP TABLE inode_one', ['info ledger-pair-gone public.path_one']],
  [
    'a guard dropped',
    'DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_two',
    ['error missing-guard public.inode_two'],
  ],
  [
    'a guard disabled, with all triggers that are no constraint',
    'ALTER TABLE inode_two DISABLE TRIGGER USER',
    ['error guard-disabled public.inode_two'],
  ],
  [
    'a guard that fires on replicas where the foreign key does not',
    'ALTER TABLE inode_two ENABLE ALWAYS TRIGGER "~p2pfk_row_movement_guard_1"',
    ['error guard-disabled public.inode_two'],
  ],
  [
    'a guard made for another bound',
    `ALTER TABLE inode DETACH PARTITION inode_two; ALTER TABLE path DETACH PARTITION path_two;
     ALTER TABLE inode ATTACH PARTITION inode_two FOR VALUES IN ('two', 'zwei');
     ALTER TABLE path ATTACH PARTITION path_two FOR VALUES IN ('zwei', 'two')`,
    ['error guard-outdated public.inode_two'],
  ],
  [
    'the guard of an older edition',
    `DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_one; DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_two;
     DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_three;
     CREATE TRIGGER p2pfk_row_movement_guard_1 BEFORE UPDATE OF medium ON inode FOR EACH ROW
       WHEN (OLD.medium IS DISTINCT FROM NEW.medium) EXECUTE FUNCTION p2pfk.refuse_row_movement()`,
    ['warning guard-outdated public.inode'],
  ],
  [
    'a trigger that sorts after the guard',
    `CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TRIGGER "~q" BEFORE UPDATE ON inode FOR EACH ROW EXECUTE FUNCTION late()`,
    ['error trigger-after-guard public.inode'],
    false,
  ],
  [
    'the parent FK added again',
    'ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE',
    ['warning parent-foreign-key -'],
    false,
  ],
  [
    'an FK of one partition to the whole table',
    'ALTER TABLE path_one ADD CONSTRAINT whole FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE',
    ['warning parent-foreign-key public.path_one'],
  ],
];

describe('the audit finds', () => {
  it.each(DRIFT)('%s', async (_, done, expected, repaired) => {
    const { core, observer } = await migrated();
    if (done) await observer.query(done);

    const found = await findings(core);
    expect(brief(found)).toEqual(expected);

    // As a DBA runs the printed statements: one after another, in a session of his own.
    for (const finding of found.filter(({ severity }) => severity !== 'info')) {
      for (const sql of finding.sql) await observer.query(sql);
    }
    // A partner that was made is the first half: the next audit finds the pair without its foreign key.
    for (const finding of (await findings(core)).filter(({ id }) => id === 'attached-partition')) {
      for (const sql of finding.sql) await observer.query(sql);
    }
    expect(auditDocument(await audit(core, {})).passed).toBe(repaired !== false);
  });

  it.each(DRIFT.filter(([, , , repaired]) => repaired !== false))('and repairs %s', async (_, done) => {
    const { core, observer } = await migrated();
    if (done) await observer.query(done);

    const { outcomes, audited } = await auditAndRepair(core, { lockTimeoutMs: 1_000 });

    expect(outcomes.filter(({ status }) => status === 'FAILED')).toEqual([]);
    expect(auditDocument(audited).passed).toBe(true);
    const orphan = "INSERT INTO path VALUES ($1, 12345, 'x')";
    for (const medium of await column(
      observer,
      "SELECT replace(relid::text, 'path_', '') FROM pg_partition_tree('path') WHERE isleaf",
    )) {
      await expect(observer.query(orphan, [medium]), medium).rejects.toThrow(/foreign key constraint/);
    }
  });
});

/** Foreign keys of every kind; the columns have other names and another order in the referenced table. */
const SHAPES = [
  '(k, a) REFERENCES r (rk, ra)',
  '(a, k) REFERENCES r (ra, rk) MATCH FULL ON UPDATE RESTRICT ON DELETE CASCADE',
  '(k, a) REFERENCES r (rk, ra) ON DELETE SET NULL',
  '(k, a) REFERENCES r (rk, ra) ON UPDATE SET DEFAULT ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED',
];

const shaped = (shape: string) => `
  CREATE SCHEMA "Ä ""s";
  CREATE TABLE r (x int, ra int, rk int, PRIMARY KEY (rk, ra)) PARTITION BY RANGE (rk);
  CREATE TABLE "Ä ""s"."P" (a int DEFAULT 0, gone int, k int DEFAULT 0) PARTITION BY RANGE (k);
  ALTER TABLE "Ä ""s"."P" DROP COLUMN gone;
  CREATE TABLE r_0 PARTITION OF r FOR VALUES FROM (0) TO (10);
  CREATE TABLE r_10 PARTITION OF r FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (rk);
  CREATE TABLE r_10_a PARTITION OF r_10 FOR VALUES FROM (10) TO (MAXVALUE);
  CREATE TABLE "Ä ""s"."P_0" PARTITION OF "Ä ""s"."P" FOR VALUES FROM (0) TO (5);
  CREATE TABLE "Ä ""s"."P_5" PARTITION OF "Ä ""s"."P" FOR VALUES FROM (5) TO (10);
  INSERT INTO r SELECT 1, n, n FROM generate_series(0, 19) AS n;
  INSERT INTO "Ä ""s"."P" (a, k) SELECT n, n FROM generate_series(0, 9) AS n;
  ALTER TABLE "Ä ""s"."P" ADD CONSTRAINT "F ""k" FOREIGN KEY ${shape};`;

describe('after the migration of a foreign key', () => {
  it.each(SHAPES)('%s nothing is found, and a repair brings back what was there, to the letter', async (shape) => {
    const { core, observer } = await migrated(shaped(shape), { table: '"Ä ""s"."P"', accept: ['all'] });
    expect(brief(await findings(core))).toEqual([]);
    const before = await everything(observer);
    await observer.query(`
      DO $$ DECLARE sql text; BEGIN
        FOR sql IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
                    WHERE contype = 'f' AND conparentid = 0 AND connamespace <> 'p2pfk'::regnamespace
                   UNION ALL
                   SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
                    WHERE indrelid = '"Ä ""s"."P_0"'::regclass LOOP
          EXECUTE sql;
        END LOOP; END $$`);
    expect(await everything(observer)).not.toBe(before);
    expect((await auditAndRepair(core, { lockTimeoutMs: 1_000 })).outcomes.map(({ status }) => status)).toEqual([
      'REPAIRED',
      'REPAIRED',
      'REPAIRED',
    ]);
    expect(await everything(observer)).toBe(before);
  });
});
