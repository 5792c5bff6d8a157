/** Triggers of the parent FK that fire ALWAYS. */
import { expect, it } from 'vitest';
import { Execution, migratedTo } from '../execution.helpers.ts';

const MODES = `
  SELECT g.tgrelid::regclass::text AS relation, string_agg(g.tgenabled::text, '') AS modes
    FROM pg_trigger g JOIN pg_constraint c ON c.oid = g.tgconstraint
   WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid IN ('inode_1'::regclass, 'inode_2'::regclass) GROUP BY 1 ORDER BY 1`;

it('pauses a migration where they change before the drop; the next one copies the mode, and a rollback brings it back', async () => {
  const { observer } = await migratedTo('ValidateForeignKeys');
  const execution = new Execution();
  await execution.plan();
  // Those of the parent FK, not of the pair FK.
  await observer.query(`DO $$ DECLARE r record; BEGIN
    FOR r IN SELECT tgname FROM pg_trigger g JOIN pg_constraint c ON c.oid = g.tgconstraint AND c.confrelid = 'inode'::regclass
              WHERE tgrelid = 'path_1'::regclass LOOP EXECUTE format('ALTER TABLE path_1 ENABLE ALWAYS TRIGGER %I', r.tgname); END LOOP; END $$`);

  await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'PartitionSetChanged' });

  const again = new Execution(execution.arn);
  await again.migrate();
  expect((await observer.query(MODES)).rows).toEqual([
    { relation: 'inode_1', modes: 'OO' },
    { relation: 'inode_2', modes: 'OO' },
    { relation: 'path_1', modes: 'AA' },
    { relation: 'path_2', modes: 'OO' },
  ]);

  await again.rollBack();
  const { rows } = await observer.query(
    `SELECT tgrelid::regclass::text AS relation, tgfoid::regproc::text AS calls FROM pg_trigger WHERE tgenabled = 'A' AND tgisinternal ORDER BY 1, 2`,
  );
  expect(rows).toEqual([
    { relation: 'path_1', calls: '"RI_FKey_check_ins"' },
    { relation: 'path_1', calls: '"RI_FKey_check_upd"' },
  ]);
});
