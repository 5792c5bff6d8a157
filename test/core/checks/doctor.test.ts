/** What `p2pfk doctor` says about a server, a role and a ledger. */
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type DoctorCheck, encryption, examine, lockTable } from '../../../core/checks/doctor.ts';
import { connect, connectReadOnly } from '../../../core/ledger/connect.ts';
import { ensureLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { catalogSnapshot } from '../../support/catalog.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const TABLES = `
  CREATE TABLE inode (k int PRIMARY KEY) PARTITION BY LIST (k);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
  CREATE TABLE path (k int REFERENCES inode) PARTITION BY LIST (k);
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);`;

async function databaseOf(sql: string): Promise<{ db: TestDatabase; observer: Client }> {
  const db = await createDatabase('empty');
  onTestFinished(() => db.drop());
  const observer = await db.client();
  await observer.query(sql);
  return { db, observer };
}

async function examined(databaseUrl: string): Promise<Map<string, DoctorCheck>> {
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk/-/test' });
  try {
    return new Map((await examine(client, databaseUrl)).map((check) => [check.id, check]));
  } finally {
    await client.end();
  }
}

async function ledgerIn(db: TestDatabase): Promise<void> {
  const client = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
  try {
    await ensureLedger(client);
  } finally {
    await client.end();
  }
}

const statuses = (checks: ReadonlyMap<string, DoctorCheck>): Record<string, string> =>
  Object.fromEntries([...checks].map(([id, { status }]) => [id, status]));

describe('the doctor', () => {
  it('of the owner, before the first migration, has nothing to complain of, and changes nothing', async () => {
    const { db, observer } = await databaseOf(TABLES);
    const before = await catalogSnapshot(observer);
    const checks = await examined(db.url);

    expect(statuses(checks)).toMatchObject({
      connection: 'ok',
      pooler: 'ok',
      'server-version': 'ok',
      ownership: 'ok',
      'ledger-right': 'ok',
      monitoring: 'ok',
      'lock-table': 'ok',
      timeouts: 'ok',
      connections: 'ok',
      primary: 'ok',
      ledger: 'ok',
    });
    expect(checks.get('ledger')?.message).toMatch(/^there is none yet/);
    expect(checks.get('lock-table')?.message).toContain('with 1 partitions, takes about 18');
    expect(checks.get('connection')?.message).toMatch(
      /^127\.0\.0\.1:\d+\/test_empty_\w+ as postgres, without TLS, on this machine$/,
    );
    expect(await catalogSnapshot(observer)).toBe(before);
  });

  it('of a role that can only read says what it cannot do, and who can give it the right', async () => {
    const { db, observer } = await databaseOf(TABLES);
    const role = `doctor_${db.name}`;
    await observer.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reading' CONNECTION LIMIT 3`);
    onTestFinished(async () => void (await observer.query(`DROP ROLE ${role}`)));
    const checks = await examined(db.urlAs(role, 'reading'));

    expect(statuses(checks)).toMatchObject({
      ownership: 'warning',
      'ledger-right': 'warning',
      monitoring: 'warning',
      connections: 'warning',
    });
    expect(checks.get('ownership')?.message).toBe(
      `role ${role} owns the tables of 0 of 1 foreign key between partitioned tables: it cannot migrate the others`,
    );
    expect(checks.get('monitoring')?.remedy).toBe(`GRANT pg_monitor TO ${role}, if it is to see them`);
    for (const check of checks.values()) expect(check.remedy === '').toBe(check.status === 'ok');
  });

  it('tells the settings with which sessions begin, although its own session has others', async () => {
    const { db, observer } = await databaseOf(TABLES);
    await observer.query(`
      ALTER DATABASE ${db.name} SET lock_timeout = '2s';
      ALTER DATABASE ${db.name} SET default_transaction_read_only = on;
      ALTER DATABASE ${db.name} SET session_replication_role = replica;`);
    const client = await connectReadOnly({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
    onTestFinished(() => client.end());
    const checks = await examine(client, db.url);

    const messages = checks.filter(({ id }) => id === 'settings').map(({ message }) => message);
    expect(messages).toEqual([
      expect.stringMatching(/^default_transaction_read_only is on/),
      expect.stringMatching(/^session_replication_role is replica/),
    ]);
    expect(checks.find(({ id }) => id === 'timeouts')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('lock_timeout = 2000ms'),
    });
  });

  it.each([
    ['db.example', null, 'prefer', 'warning', 'W, without TLS: others in the network can read it'],
    [
      'db.example',
      'TLSv1.3',
      'require',
      'warning',
      'W, with TLSv1.3, but it is not verified which server this is (sslmode=require)',
    ],
    ['db.example', 'TLSv1.3', 'verify-full', 'ok', 'W, with TLSv1.3, verified'],
    ['/var/run/postgresql', null, 'prefer', 'ok', 'W, without TLS, on this machine'],
    ['localhost.example', null, 'prefer', 'warning', 'W, without TLS: others in the network can read it'],
  ])('of a connection to %s with %s and sslmode=%s is %s', (host, version, mode, status, message) => {
    expect(encryption('W', { host, version, mode })).toMatchObject({ id: 'connection', status, message });
  });

  it('finds a lock table that is too small for the drop on the largest table', () => {
    expect(lockTable({ lock_table_capacity: 6_400 }, { most_leaves: 1_000 })).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('with 1000 partitions, takes about 8010'),
    });
    expect(lockTable({ lock_table_capacity: 6_400 }, { most_leaves: 100 })).toMatchObject({ status: 'ok' });
  });

  it('of a ledger says its version, and that its shape is not that of its version', async () => {
    const { db, observer } = await databaseOf(TABLES);
    await ledgerIn(db);
    expect((await examined(db.url)).get('ledger')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/^version \d+, of this database, in the shape of its version$/),
    });

    await observer.query('ALTER TABLE p2pfk.pair DROP COLUMN validate_ms CASCADE');
    expect((await examined(db.url)).get('ledger')).toMatchObject({
      status: 'problem',
      message: expect.stringContaining('validate_ms'),
    });
  });
});
