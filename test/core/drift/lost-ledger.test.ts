/** The ledger is lost, or older than the database: each such state is seen by every command, and can be repaired. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { planLines } from '../../../cli/render/plan-text.ts';
import { verifyTable } from '../../../core/checks/verification.ts';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { coreSession, databaseWith, findDatabaseAt, foreignKeys, type TestCase, useDatabase } from '../case.helpers.ts';
import { cloneOf, sourceOf } from '../clones.helpers.ts';
import { Execution, type ForwardState } from '../execution.helpers.ts';
import { column, migrated, NAMED_PAIRS } from '../provision/migrated.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { brief, findings } from './findings.helpers.ts';

const PARENT = ['path path_fk FOREIGN KEY (medium, ino) REFERENCES inode(medium, ino) ON DELETE CASCADE valid t'];
const NO_GUARDS = ['one', 'three', 'two'].map((name) => `error missing-guard public.inode_${name}`);
const MOVE = "UPDATE inode SET medium = 'four', ino = 100 WHERE medium = 'one' AND ino = 1";
const LEAF_TO_PARENT = `ALTER TABLE path_one ADD CONSTRAINT left_over FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE`;

const input = (more: object = {}) => ExecutionInput.parse({ table: 'path', ...more });

function guards(observer: Client): Promise<string[]> {
  return column(
    observer,
    "SELECT format('%s %s', tgrelid::regclass, tgname) FROM pg_trigger WHERE tgname LIKE '%p2pfk%' ORDER BY 1",
  );
}

/** What every command says of the table, in short. */
async function said(core: Client) {
  const plan = await planMigration(core, input());
  const migrate = await new Execution().plan().then(
    ({ status, reason }) => `${status}${reason === undefined ? '' : `: ${reason}`}`,
    (error: Error) => `${error.name}: ${error.message}`,
  );
  const verify = await verifyTable(core, { table: 'path' });
  const audited = brief(await findings(core, { table: 'path' }));
  const rollback = await new Execution().plan({ operation: 'rollback' }).then(
    ({ status }) => status,
    (error: Error) => `${error.name}: ${error.message}`,
  );
  return {
    firstLine: planLines(plan, { given: '', columns: null })[0],
    planned: plan.findings.map(({ id }) => id).filter((id) => /ledger|guard$|foreign-key(-missing)?$/.test(id)),
    migrate,
    verify: verify.checks.filter(({ passed }) => !passed).map(({ id }) => id),
    audit: audited,
    rollback,
  };
}

/** Repairs with what a person accepts; what is left then, in short. */
async function repaired(core: Client, accept: string[], constraint?: string) {
  const { outcomes, audited } = await auditAndRepair(core, {
    table: 'path',
    lockTimeoutMs: 10_000,
    accept,
    ...(constraint === undefined ? {} : { constraint }),
  });
  expect(outcomes.filter(({ status }) => status === 'FAILED')).toEqual([]);
  return audited.flatMap(({ drift }) => drift.map(({ finding }) => finding.id));
}

async function rolledBack(): Promise<void> {
  const execution = new Execution();
  expect(await execution.plan({ operation: 'rollback' })).toMatchObject({ status: 'ROLLBACK_REQUESTED' });
  await execution.rollBack(null);
}

/** Puts a backup of the ledger in the place of the one that is there: its rows as they are now, after `older` made them older. */
async function restoreBackup(observer: Client, older: string): Promise<void> {
  await observer.query(`
    CREATE TEMP TABLE migration AS TABLE p2pfk.migration; CREATE TEMP TABLE pair AS TABLE p2pfk.pair; ${older};
    DROP SCHEMA p2pfk CASCADE; SET client_min_messages = error; ${newLedger()};
    INSERT INTO p2pfk.migration OVERRIDING SYSTEM VALUE TABLE pg_temp.migration; INSERT INTO p2pfk.pair TABLE pg_temp.pair`);
}

/** A migration that has come to the end of `last`, made once and cloned. */
async function half(last: ForwardState | 'Plan' = 'AddForeignKeys'): Promise<TestCase & { core: Client }> {
  const source = await sourceOf(`half ${last}`, async (db) => {
    await (await db.client()).query(NAMED_PAIRS);
    const restore = findDatabaseAt(db.url);
    await new Execution().migrate(last);
    restore();
  });
  const testCase = await useDatabase(await cloneOf(source));
  return { ...testCase, core: await coreSession(testCase.db.url) };
}

describe('after the migration', () => {
  it.each([
    ['the schema dropped with CASCADE', 'DROP SCHEMA p2pfk CASCADE', NO_GUARDS],
    ['its tables truncated', 'TRUNCATE p2pfk.migration, p2pfk.pair, p2pfk.event, p2pfk.running RESTART IDENTITY', []],
  ])('%s is seen by each command, and repaired with acceptance alone', async (_, damage, unguarded) => {
    const { core, observer } = await migrated();
    const before = await guards(observer);
    await observer.query(damage);
    const lost = unguarded.length > 0;

    expect(await said(core)).toEqual({
      firstLine: 'Ledger       missing: there are pair foreign keys that it does not know',
      planned: lost ? ['missing-guard', 'ledger-missing'] : ['ledger-missing'],
      migrate: expect.stringMatching(
        lost
          ? /^PreflightFailed: refused, .*\[missing-guard\] .*3 referenced partition.*audit --table public.path --fix --run --accept ledger-missing/
          : /^ALREADY_MIGRATED: 3 of 3 pairs .*nothing can be rolled back; p2pfk audit .*--accept ledger-missing/,
      ),
      verify: lost ? ['pair-foreign-keys'] : [],
      audit: [...unguarded, 'warning ledger-missing -'],
      rollback: expect.stringMatching(/^LedgerMissing: .*3 of 3 pairs .*--accept ledger-missing/),
    });
    if (lost) {
      // What the guard is for: with it gone, rows that reference the moved one are gone, too.
      await observer.query(`BEGIN; ${MOVE}`);
      expect(await column(observer, "SELECT count(*)::int FROM path WHERE medium = 'one' AND ino = 1")).toEqual([0]);
      await observer.query('ROLLBACK');
    }

    expect(await repaired(core, [])).toContain('ledger-missing');
    expect(await repaired(core, ['ledger-missing'], 'path_fk')).toEqual([]);
    expect(await guards(observer)).toEqual(before);
    await expect(observer.query(MOVE)).rejects.toMatchObject({ code: '23503' });
    // The next migration gets a number of its own.
    expect(await column(observer, "SELECT nextval('p2pfk.migration_id_seq')::int")).toEqual([2]);
    if (!lost) return;

    await rolledBack();
    expect(await foreignKeys(observer)).toEqual(PARENT);
    expect(await guards(observer)).toEqual([]);
  });

  it('a guard dropped alone fails verify, and migrate points to the repair', async () => {
    const { core, observer } = await migrated();
    await observer.query('DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_two');
    expect(await said(core)).toMatchObject({
      firstLine: expect.stringMatching(/^Ledger {7}migrated at 20\S+Z \(migration 1, opened by role \w+\)$/),
      planned: ['missing-guard'],
      migrate: expect.stringMatching(
        /^PreflightFailed: .*\(public.inode_two\).*audit --table public.path --fix --run$/,
      ),
      verify: ['pair-foreign-keys'],
      audit: ['error missing-guard public.inode_two'],
      rollback: 'ROLLBACK_REQUESTED',
    });
  });

  it('foreign keys of partitions to the whole referenced table point to their repair', async () => {
    const { core, observer } = await migrated();
    await observer.query(`${LEAF_TO_PARENT}; ALTER TABLE path_two ADD CONSTRAINT also_left FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE;
                          ALTER TABLE path_two DROP CONSTRAINT fk_path_to_inode_two`);
    await expect(new Execution().plan()).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringMatching(
        /\[leaf-to-parent-foreign-key\] 2 partition.*audit --table public.path --fix --run/,
      ),
    });

    // The one that alone guards its partition stays until the pair FK is there.
    expect(await repaired(core, [])).toEqual([]);
    expect((await foreignKeys(observer)).map((line) => line.replace(/ FOREIGN.*/, ''))).toEqual(
      ['one', 'three', 'two'].map((name) => `path_${name} fk_path_to_inode_${name}`),
    );
    expect((await new Execution().plan()).status).toBe('ALREADY_MIGRATED');
  });

  it('such a foreign key stays where the pair foreign key cannot be added', async () => {
    const { core, observer } = await migrated();
    await observer.query(`${LEAF_TO_PARENT}; ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one`);
    const writer = await observer.query('BEGIN; INSERT INTO path VALUES ($$one$$, 1, $$x$$)').then(() => observer);
    const { outcomes } = await auditAndRepair(core, { lockTimeoutMs: 50 });
    expect(outcomes).toMatchObject([{ id: 'missing-pair-foreign-key', status: 'FAILED' }]);
    await writer.query('ROLLBACK');
    expect((await foreignKeys(observer)).join()).toContain('path_one left_over');
  });

  it('half a set of pair foreign keys without a ledger gets none without its guard', async () => {
    const { core, observer } = await migrated();
    await observer.query('DROP SCHEMA p2pfk CASCADE; ALTER TABLE path_two DROP CONSTRAINT fk_path_to_inode_two');
    expect(await said(core)).toMatchObject({
      planned: ['pair-foreign-key-missing', 'ledger-missing'],
      migrate: expect.stringMatching(/^PreflightFailed: /),
      verify: ['pair-foreign-keys', 'inventory'],
      rollback: expect.stringMatching(/^LedgerMissing: .*2 of 3 pairs/),
    });
    expect(await repaired(core, [])).toContain('missing-pair-foreign-key');

    expect(await repaired(core, ['all'])).toEqual([]);
    expect(await guards(observer)).toHaveLength(3);
    expect(await column(observer, 'SELECT constraint_name FROM p2pfk.migration')).toEqual(['path_medium_ino_fkey']);
  });

  it('pair foreign keys are not adopted where only other owners than the table’s vouch for them', async () => {
    const testCase = await migrated();
    const { core, observer } = testCase;
    const { role } = await plainRole(testCase);
    const partitions = ['path_one', 'path_two', 'path_three'];
    await observer.query(`DROP SCHEMA p2pfk CASCADE; GRANT REFERENCES ON ALL TABLES IN SCHEMA public TO ${role}; GRANT ALL ON SCHEMA public TO ${role};
      ${partitions.map((partition) => `ALTER TABLE ${partition} OWNER TO ${role}`).join(';')}; SET ROLE ${role};
      ${partitions
        .map((partition) => {
          const partner = partition.replace('path', 'inode');
          return `ALTER TABLE ${partition} DROP CONSTRAINT fk_path_to_${partner}; ALTER TABLE ${partition} ADD FOREIGN KEY (medium, ino) REFERENCES ${partner} ON UPDATE CASCADE`;
        })
        .join(';')}; RESET ROLE`);
    const adopt = async () => {
      const { outcomes } = await auditAndRepair(core, { table: 'path', lockTimeoutMs: 10_000, accept: ['all'] });
      return outcomes.find(({ id }) => id === 'ledger-missing');
    };

    expect(await adopt()).toMatchObject({
      status: 'FAILED',
      error: expect.stringMatching(
        /only partitions of other owners .* ON UPDATE CASCADE; if it is right, .*ALTER TABLE public\.path_\w+ OWNER TO postgres/,
      ),
    });
    expect(await column(observer, "SELECT to_regclass('p2pfk.migration')::text")).toEqual([null]);

    await observer.query('ALTER TABLE path_two OWNER TO CURRENT_USER');
    expect(await adopt()).toMatchObject({ status: 'REPAIRED' });
  });

  it('pair foreign keys that do not agree are not adopted', async () => {
    const { core, observer } = await migrated();
    await observer.query(`DROP SCHEMA p2pfk CASCADE; ALTER TABLE path_two DROP CONSTRAINT fk_path_to_inode_two;
      ALTER TABLE path_two ADD CONSTRAINT other FOREIGN KEY (medium, ino) REFERENCES inode_two ON DELETE SET NULL`);
    const { outcomes } = await auditAndRepair(core, { lockTimeoutMs: 10_000, accept: ['all'] });
    expect(outcomes.find(({ id }) => id === 'ledger-missing')).toMatchObject({
      status: 'FAILED',
      error: expect.stringMatching(
        /do not agree .*2 of them .*ON DELETE CASCADE.*; 1 of them .*ON DELETE SET NULL, such as that of public.path_two/,
      ),
    });
    expect(await column(observer, "SELECT to_regclass('p2pfk.migration') IS NULL")).toEqual([true]);
  });

  it('a name that the table uses already is refused, and another can be given', async () => {
    const { core, observer } = await migrated();
    await observer.query(
      'DROP SCHEMA p2pfk CASCADE; ALTER TABLE path ADD CONSTRAINT path_medium_ino_fkey CHECK (ino > 0)',
    );
    const { outcomes } = await auditAndRepair(core, { lockTimeoutMs: 10_000, accept: ['all'] });
    expect(outcomes[0]?.error).toMatch(
      /another constraint named path_medium_ino_fkey; choose another with --constraint/,
    );
    expect(await repaired(core, ['all'], '"Path FK"')).toEqual([]);
    expect(await column(observer, 'SELECT constraint_name FROM p2pfk.migration')).toEqual(['Path FK']);
  });

  it('a role that may not read the ledger is told so, and no audit of it is green', async () => {
    const { db, observer } = await migrated();
    await observer.query(`DO $$ BEGIN CREATE ROLE lost_reader LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
                          GRANT SELECT ON ALL TABLES IN SCHEMA public TO lost_reader`);
    const reader = await coreSession(db.urlAs('lost_reader', 'x'));
    expect(await planMigration(reader, input())).toMatchObject({
      ledger: { state: 'unreadable', reason: 'role lost_reader has no right to read it' },
    });
    expect(brief(await findings(reader))).toEqual(['warning ledger-unreadable -']);
    expect((await verifyTable(reader, { table: 'path' })).passed).toBe(true);
    await observer.query('DROP OWNED BY lost_reader');
  });
});

describe('a ledger of an older backup', () => {
  it('from before the migration is as good as none', async () => {
    const { core, observer } = await migrated();
    await restoreBackup(observer, 'DELETE FROM migration; DELETE FROM pair');
    expect(brief(await findings(core))).toEqual([...NO_GUARDS, 'warning ledger-missing -']);
    await expect(new Execution().plan({ operation: 'rollback' })).rejects.toMatchObject({
      name: 'LedgerMissing',
      message: expect.stringMatching(/the ledger knows no migration of them/),
    });
  });

  it('from the middle of it is brought up to date', async () => {
    const { core, observer } = await migrated();
    await restoreBackup(
      observer,
      "UPDATE migration SET state = 'paused', dropped_at = NULL; UPDATE pair SET constraint_added = pair = 1",
    );
    expect(await said(core)).toMatchObject({
      planned: expect.arrayContaining(['ledger-outdated']),
      migrate: expect.stringMatching(/^PreflightFailed: .*\[ledger-outdated\].*--accept ledger-outdated/),
      audit: ['error ledger-outdated -', ...NO_GUARDS, 'warning migration-unfinished -'],
      rollback: expect.stringMatching(/^LedgerMissing: .*older than the database.*--accept ledger-outdated/),
    });
    expect(await repaired(core, ['ledger-outdated'])).toEqual([]);
    expect((await verifyTable(core, { table: 'path' })).passed).toBe(true);
    await rolledBack();
    expect(await foreignKeys(observer)).toEqual(PARENT);
    expect(await guards(observer)).toEqual([]);
  });

  it('without its pairs is not rolled back', async () => {
    const { core, observer } = await migrated();
    await observer.query('TRUNCATE p2pfk.pair');
    await expect(new Execution().plan({ operation: 'rollback' })).rejects.toThrow(/older than the database/);
    expect(await repaired(core, ['ledger-outdated'])).toEqual([]);
    expect(await column(observer, 'SELECT count(*)::int FROM p2pfk.pair WHERE constraint_added')).toEqual([3]);
  });

  it('whose number another migration has gets a new one, and guards of the lost one go', async () => {
    const { core, observer } = await migrated();
    await observer.query(`UPDATE p2pfk.migration SET state = 'rolled-back', table_oid = 1; DELETE FROM p2pfk.pair`);
    expect(await repaired(core, ['ledger-missing'], 'path_fk')).toEqual([]);
    expect((await guards(observer))[0]).toBe('inode_one ~p2pfk_row_movement_guard_2');
    expect(await guards(observer)).toHaveLength(3);
  });
});

describe('in the middle of a migration', () => {
  it('a lost ledger is no green audit, nor "nothing to roll back"', async () => {
    const { core, observer } = await half();
    await observer.query('DROP SCHEMA p2pfk CASCADE');
    expect(brief(await findings(core))).toEqual([...NO_GUARDS, 'warning ledger-missing -']);
    await expect(new Execution().plan({ operation: 'rollback' })).rejects.toMatchObject({
      name: 'LedgerMissing',
      message: expect.stringMatching(/3 of 3 pairs .* beside the parent foreign key path_fk/),
    });
    expect(await planMigration(core, input())).toMatchObject({ ledger: { state: 'missing' } });

    expect(await repaired(core, ['ledger-missing'])).toEqual(['migration-unfinished']);
    expect(await guards(observer)).toHaveLength(3);
    await rolledBack();
    expect(await foreignKeys(observer)).toEqual(PARENT);
    expect(await guards(observer)).toEqual([]);
  });

  it('with some of the pairs, migrate goes on and says what a rollback would leave', async () => {
    const { core, observer } = await half();
    await observer.query('DROP SCHEMA p2pfk CASCADE; ALTER TABLE path_two DROP CONSTRAINT fk_path_to_inode_two');
    expect((await planMigration(core, input())).findings).toContainEqual(
      expect.objectContaining({
        id: 'ledger-missing',
        message: expect.stringMatching(/2 of 3 pairs .*so a rollback leaves them/),
      }),
    );
    await new Execution().migrate('AddForeignKeys');
    expect(await guards(observer)).toHaveLength(3);
  });

  it('one that died is told with its beginning, its owner and the command', async () => {
    const { core, observer } = await half();
    await observer.query('DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_two');
    const found = await findings(core);
    expect(brief(found)).toEqual(['error missing-guard public.inode_two', 'warning migration-unfinished -']);
    expect(found.find(({ id }) => id === 'migration-unfinished')).toMatchObject({
      message: expect.stringMatching(
        /is running \(begun 20\S+ by arn:aws:states:local:\S+, which is not seen at work any more\)/,
      ),
      remedy: expect.stringMatching(/p2pfk migrate --table public.path, or .*p2pfk rollback --table public.path/),
    });
    const plan = await planMigration(core, input());
    expect(planLines(plan, { given: '', columns: null })[0]).toMatch(
      /^Ledger {7}running since 20\S+Z, by arn:\S+ \(migration 1, opened by role \w+\)$/,
    );
  });
});

it('partitions with foreign keys of their own, and a table with none, are told how to get one', async () => {
  const { db, observer } = await databaseWith(NAMED_PAIRS);
  await observer.query(`ALTER TABLE path DROP CONSTRAINT path_fk; ${LEAF_TO_PARENT}`);
  await expect(new Execution().plan()).rejects.toMatchObject({
    name: 'PreflightFailed',
    message: expect.stringMatching(
      /left_over of public.path_one; .*: ALTER TABLE public.path ADD FOREIGN KEY \(medium, ino\) REFERENCES public.inode\(medium, ino\) ON DELETE CASCADE;/,
    ),
  });
  const core = await coreSession(db.url);
  expect(await planMigration(core, input()).catch((error: Error) => error.name)).toBe('PreflightFailed');
});

it('the first line of a plan tells what was before', async () => {
  const { db } = await databaseWith(NAMED_PAIRS);
  const core = await coreSession(db.url);
  const state = async () => (await planMigration(core, input())).ledger?.state;
  expect(await state()).toBe('never-migrated');
  const execution = new Execution();
  await execution.migrate('Plan');
  await execution.pause({ Error: 'WindowClosed', Cause: 'the window closed' });
  expect((await planMigration(core, input())).ledger).toMatchObject({
    state: 'paused',
    reason: 'WindowClosed: the window closed',
    execution: execution.arn,
  });
  await rolledBack();
  expect(await state()).toBe('rolled-back');
});
