/** A ledger of another version, or one that is not as its version has it: nothing is written to it, and no function of it replaced. */
import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { audit } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { ensureLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { p2pfk } from '../../cli/cli.helpers.ts';
import { describeWithPsql, psql, STEPS } from '../../psql/psql.helpers.ts';
import { coreSession, databaseWith, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { TO_VERSION_2, TO_VERSION_5 } from './restore.helpers.ts';

const NEWER = `INSERT INTO p2pfk.ledger_version VALUES (999);
  CREATE OR REPLACE FUNCTION p2pfk.enter(wanted bigint, owner text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM 'a newer one'; END $$`;

const enter = `SELECT prosrc FROM pg_proc WHERE oid = 'p2pfk.enter(bigint, text)'::regprocedure`;

it('a newer ledger is refused by every command in one line, and keeps its functions', async () => {
  const { db, observer } = await databaseWith();
  const execution = new Execution();
  await execution.migrate('ValidateForeignKeys');
  await observer.query(NEWER);
  const newer = await oneRow(observer, enter);
  const answers = new Map<string, unknown>();

  for (const command of ['plan', 'migrate', 'verify', 'rollback', 'approve', 'audit', 'list', 'status']) {
    const { code, stderr, stdout } = await p2pfk([
      command,
      '-d',
      db.url,
      ...(command === 'audit' || command === 'list' ? [] : ['--table', 'path']),
    ]);
    answers.set(command, [code, /has version 999, and this p2pfk knows up to 6/.test(stderr + stdout)]);
  }

  const refused = [4, true];
  expect(Object.fromEntries(answers)).toEqual({
    plan: refused,
    migrate: refused,
    verify: refused,
    rollback: refused,
    approve: refused,
    audit: refused,
    list: refused,
    status: refused,
  });
  expect(await oneRow(observer, enter)).toEqual(newer);
  await expect(execution.verifyGate()).rejects.toMatchObject({ name: 'LedgerVersionRefused' });
});

it.each([
  [
    'of no version',
    'DELETE FROM p2pfk.ledger_version',
    /no version that p2pfk knows \(p2pfk.ledger_version says nothing\)/,
  ],
  ['that lacks a column', 'ALTER TABLE p2pfk.event DROP COLUMN locks', /column event.locks is missing/],
  [
    'with another function',
    'CREATE OR REPLACE FUNCTION p2pfk.enter(wanted bigint, owner text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$',
    /function enter\(wanted bigint, owner text\) is "plpgsql void v \w+" instead of/,
  ],
  [
    'with row-level security',
    'ALTER TABLE p2pfk.pair ENABLE ROW LEVEL SECURITY',
    /row security pair should not be there/,
  ],
])('a ledger %s is not written to', async (_, sql, message) => {
  const { observer } = await databaseWith();
  await new Execution().plan();
  await observer.query(sql);
  await observer.query(`UPDATE p2pfk.migration SET state = 'paused', lease_until = now() - interval '1 hour'`);
  const before = await oneRow(observer, 'SELECT md5(string_agg(m::text, chr(10))) FROM p2pfk.migration m');

  await expect(new Execution().plan()).rejects.toMatchObject({
    name: 'LedgerVersionRefused',
    message: expect.stringMatching(message),
  });

  expect(await oneRow(observer, 'SELECT md5(string_agg(m::text, chr(10))) FROM p2pfk.migration m')).toEqual(before);
});

it('columns, indexes, triggers and grants that the owner has added are no harm', async () => {
  const { observer } = await databaseWith();
  await new Execution().plan();
  await observer.query(`ALTER TABLE p2pfk.migration ADD COLUMN ticket text; CREATE INDEX ON p2pfk.event (at);
    CREATE TRIGGER t BEFORE UPDATE ON p2pfk.pair FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); GRANT SELECT ON ALL TABLES IN SCHEMA p2pfk TO PUBLIC;
    UPDATE p2pfk.migration SET state = 'paused', lease_until = now() - interval '1 hour'`);

  await expect(new Execution().plan()).resolves.toMatchObject({ status: 'PLANNED' });
});

it('guards that exist call the function of the newest ledger, for which the audit asks until it is there', async () => {
  const { db, observer } = await migratedTo('VerifyMigration');
  const [old = ''] =
    /CREATE OR REPLACE FUNCTION p2pfk\.refuse_row_movement.*?\$guard\$;/s.exec(
      readFileSync(new URL('edition-version-5.sql', import.meta.url), 'utf8'),
    ) ?? [];
  await observer.query(`${TO_VERSION_5} ${old}`);
  /** Moves a row out of a partition that was attached after the snapshot; rolled back. */
  const move = async () => {
    const application = await db.client();
    await observer.query('ALTER TABLE inode DETACH PARTITION inode_2');
    await application.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await application.query('SELECT count(*) FROM path');
    await observer.query(`ALTER TABLE inode ATTACH PARTITION inode_2 FOR VALUES IN ('two')`);
    try {
      await application.query(`UPDATE inode SET medium = 'four', ino = 99 WHERE medium = 'two' AND ino = 1`);
    } finally {
      await application.query('ROLLBACK');
    }
  };
  const drift = async () => {
    const found = (await audit(await coreSession(db.url), {})).flatMap((one) => one.drift);
    return found.filter(({ finding }) => finding.severity === 'error').map(({ finding }) => finding);
  };
  await expect(move()).resolves.toBeUndefined();
  expect(await drift()).toEqual([
    expect.objectContaining({ id: 'guard-outdated', message: expect.stringContaining('of ledger version 5') }),
  ]);

  await auditAndRepair(await coreSession(db.url), { lockTimeoutMs: 10_000 });

  await expect(move()).rejects.toMatchObject({ code: '23503' });
  expect(await drift()).toEqual([]);
});

it('a rollback begun under the first ledger ends under the newest', async () => {
  const { observer } = await databaseWith();
  const execution = new Execution();
  await execution.migrate('AddForeignKeys');
  const old = readFileSync(new URL('edition-2026-11-26.sql', import.meta.url), 'utf8');
  await observer.query(`${TO_VERSION_2} DELETE FROM p2pfk.ledger_version WHERE version > 1; ${old};
    UPDATE p2pfk.migration SET state = 'paused', lease_until = now() - interval '1 hour'`);

  const rollback = new Execution();
  await rollback.plan({ operation: 'rollback' });
  await rollback.rollBack(null);

  expect(await oneRow(observer, 'SELECT max(version) AS version FROM p2pfk.ledger_version')).toEqual({ version: 6 });
  expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'rolled-back' });
});

describeWithPsql('the psql scripts', () => {
  it('refuse a newer ledger and one that is not as it was made, and upgrade an older one', async () => {
    const { db, observer } = await databaseWith();
    await observer.query(readFileSync(new URL('edition-2026-11-23.sql', import.meta.url), 'utf8'));
    expect(await psql(db.url, 'step1')).toMatchObject({ code: 0 });
    expect(await oneRow(observer, 'SELECT max(version) AS version FROM p2pfk.ledger_version')).toEqual({ version: 6 });

    await observer.query('ALTER TABLE p2pfk.event RENAME COLUMN locks TO keys');
    expect(await psql(db.url, 'step2')).toMatchObject({
      code: 3,
      errors: [expect.stringMatching(/column event\.locks is missing/)],
    });
    await observer.query(
      `ALTER TABLE p2pfk.event RENAME COLUMN keys TO locks; INSERT INTO p2pfk.ledger_version VALUES (7)`,
    );

    for (const script of [...STEPS, 'rollback'] as const)
      expect(await psql(db.url, script)).toMatchObject({
        code: 3,
        errors: [expect.stringMatching(/has version 7, and this p2pfk knows up to 6/)],
      });
  });
});

it('leaves no key ahead that a crash of a server with wal_level = minimal would hand out twice', async () => {
  const { observer, db } = await databaseWith();
  const session = await connect({ databaseUrl: db.url, applicationName: 'test' });
  onTestFinished(() => session.end());

  await ensureLedger(session);

  const { rows } = await observer.query('SELECT e.is_called, e.log_cnt FROM p2pfk.event_id_seq e');
  expect(rows).toEqual([{ is_called: true, log_cnt: '0' }]);
});
