/**
 * A role that can do nothing but connect: it takes advisory locks on every key that can be guessed or seen, and names its sessions
 * as ours. It holds nothing up, and keeps no dead migration alive.
 */
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { forgetExecution, holdExecution } from '../../../core/ledger/liveness.ts';
import { extendLease } from '../../../core/ledger/migrations.ts';
import { reconcile } from '../../../core/steps/operations/reconcile.ts';
import { describeWithPsql, psqlInOrder, STEPS } from '../../psql/psql.helpers.ts';
import { waitUntil } from '../../support/observe.ts';
import { coreSession, databaseWith, everything, executionArn, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const remoteArn = (name: string) => `arn:aws:states:eu-central-1:123456789012:execution:p2pfk:${name}`;

/** Locks of two keys, by which earlier versions excluded each other: 'p2fc', 'p2ff', 'p2fp', 'p2fr'. */
const CLASSES = [1882351203, 1882351206, 1882351216, 1882351218];

interface Attacker {
  /** Takes every key that is free and can be guessed now; waits for those that others hold. */
  grab(): Promise<void>;
}

/** Its sessions call themselves steps of the first migrations, and are in a transaction. */
async function attackerOf({ db, observer }: TestCase, executions: readonly string[] = []): Promise<Attacker> {
  const { url } = await plainRole({ db, observer });
  const open = async (applicationName: string) => {
    const session = await connect({ databaseUrl: url, applicationName });
    session.on('error', () => undefined);
    onTestFinished(() => session.end());
    return session;
  };
  const session = await open('p2pfk/1/verify-gate');
  // A session that waits, for a lock or for its next statement: only PostgreSQL's own limits end it.
  await session.query(`SET idle_in_transaction_session_timeout = 0; BEGIN`);
  const waitsFor = new Set<string>();
  return {
    grab: async () => {
      await session.query(
        `SELECT count(pg_try_advisory_lock(class, object))
           FROM unnest($1::int[]) class,
                (SELECT oid::int FROM pg_class WHERE oid >= 16384 UNION SELECT oid::int FROM pg_constraint WHERE oid >= 16384
                 UNION SELECT generate_series(0, 20) UNION SELECT hashtext(e) FROM unnest($2::text[]) e) o(object)`,
        [CLASSES, executions],
      );
      const { rows } = await session.query<{ key: string }>(
        `SELECT DISTINCT ((classid::bigint << 32) | objid::bigint)::text AS key FROM pg_locks
          WHERE locktype = 'advisory' AND objsubid = 1 AND pid <> pg_backend_pid() AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      for (const { key } of rows.filter((row) => !waitsFor.has(row.key))) {
        waitsFor.add(key);
        const waiting = await open('p2pfk execution');
        await waiting.query('SET lock_timeout = 0');
        waiting.query('SELECT pg_advisory_lock($1)', [key]).catch(() => undefined);
        await waitUntil(
          async () => (await waitersFor(observer, key)) > 0,
          'the attacker to stand in the queue for the key',
        );
      }
    },
  };
}

async function waitersFor(observer: Client, key: string, granted = false): Promise<number> {
  const { count } = await oneRow<{ count: number }>(
    observer,
    `SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted = $2
        AND ((classid::bigint << 32) | objid::bigint) = $1`,
    [key, granted],
  );
  return count;
}

async function livesAs(db: TestCase['db'], arn: string): Promise<Client> {
  const life = await connect({ databaseUrl: db.url, applicationName: 'p2pfk execution' });
  life.on('error', () => undefined);
  onTestFinished(() => life.end().catch(() => undefined));
  await holdExecution(life, arn);
  return life;
}

async function keyOf(observer: Client): Promise<string> {
  return (await oneRow<{ key: string }>(observer, 'SELECT liveness_key::text AS key FROM p2pfk.migration')).key;
}

async function reconciled(url: string, execution: string) {
  const open = (applicationName: string) => connect({ databaseUrl: url, applicationName });
  const client = await open('p2pfk/-/reconcile');
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const closeSession = (session: Client) => session.end();
  const context = { client, logger, remainingMs: () => 60_000, openSession: open, closeSession };
  return reconcile(context, { execution, reason: 'TIMED_OUT' }).finally(() => client.end());
}

describe('a role that can only connect', () => {
  it('holds no step of a migration or a rollback up, whatever keys it holds', async () => {
    const testCase = await databaseWith();
    const { observer } = testCase;
    const original = await everything(observer);
    const execution = new Execution();
    const attacker = await attackerOf(testCase, [execution.arn]);
    await attacker.grab();

    await execution.plan();
    for (const state of ['BuildIndexes', 'AddForeignKeys', 'ValidateForeignKeys'] as const) {
      await attacker.grab();
      for (const result of await execution.run(state)) expect(result).toMatchObject({ status: 'DONE' });
    }
    await execution.verifyGate();
    await execution.dropParentForeignKey();
    await attacker.grab();
    await execution.rollBack();

    expect(await everything(observer)).toBe(original);
  });

  it('a dead migration is not kept alive by a role that can only connect', async () => {
    const { db, observer, execution: owner } = await migratedTo('AddForeignKeys');
    const life = await livesAs(db, owner.arn);
    await owner.plan();
    const attacker = await attackerOf({ db, observer }, [owner.arn]);
    await attacker.grab();
    const key = await keyOf(observer);
    const other = new Execution();
    await expect(other.plan()).rejects.toMatchObject({
      name: 'MigrationInProgress',
      message: expect.stringMatching(/at work since .* as postgres/),
    });

    await life.end();
    await waitUntil(async () => (await waitersFor(observer, key, true)) > 0, 'the attacker to hold the key');
    expect(await other.plan()).toMatchObject({ status: 'PLANNED', migrationId: owner.migrationId });

    // The same of an execution in AWS, whose steps are known by their names.
    await observer.query(
      `UPDATE p2pfk.migration SET execution = $1, liveness_key = NULL, lease_until = now() - interval '1 second'`,
      [remoteArn('one')],
    );
    expect(await reconciled(db.url, remoteArn('one'))).toMatchObject({ status: 'PAUSED' });
    await observer.query(`UPDATE p2pfk.migration SET state = 'running', lease_until = now() - interval '1 second'`);
    expect(await new Execution(remoteArn('two')).plan()).toMatchObject({ status: 'PLANNED' });
  });

  it('that holds the key of an owner which lost its session does not displace it', async () => {
    const { db, observer, execution: owner } = await migratedTo('AddForeignKeys');
    const life = await livesAs(db, owner.arn);
    await owner.plan();
    const attacker = await attackerOf({ db, observer });
    await attacker.grab();
    const key = await keyOf(observer);
    await life.end();
    await waitUntil(async () => (await waitersFor(observer, key, true)) > 0, 'the attacker to hold the key');

    await livesAs(db, owner.arn);

    expect(await keyOf(observer)).not.toBe(key);
    await expect(new Execution().plan()).rejects.toMatchObject({ name: 'MigrationInProgress' });
  });

  it('and may read the ledger locks none of its rows', async () => {
    const { db, observer } = await migratedTo('Plan');
    const { role, url } = await plainRole({ db, observer });
    await observer.query(
      `GRANT USAGE ON SCHEMA p2pfk TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA p2pfk TO ${role}`,
    );
    const reader = await connect({ databaseUrl: url, applicationName: 'test' });
    onTestFinished(() => reader.end());

    for (const table of ['migration', 'pair', 'event', 'running'])
      await expect(reader.query(`SELECT FROM p2pfk.${table} FOR KEY SHARE`)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('a live owner', () => {
  it('an owner that came within the same transaction is recognised', async () => {
    const { db, observer, execution } = await migratedTo('Plan');
    const core = await coreSession(db.url);
    await core.query('BEGIN');
    // From now on this transaction sees the sessions of this moment, unless it asks anew.
    await core.query('SELECT count(*) FROM pg_stat_activity');
    const works = () =>
      oneRow(core, 'SELECT p2pfk.owner_works(id, execution, liveness_key) AS works FROM p2pfk.migration');
    await observer.query('UPDATE p2pfk.migration SET liveness_key = 42');
    expect(await works()).toEqual({ works: false });

    const life = await coreSession(db.url);
    await life.query('SELECT pg_advisory_lock(42)');

    expect(await works()).toEqual({ works: true });
    expect(execution.migrationId).toBe('1');
  });

  it('from before version 3 has no key, and is known by the lock that its name tells', async () => {
    const { db, observer, execution: owner } = await migratedTo('AddForeignKeys');
    const attacker = await attackerOf({ db, observer });
    const old = await coreSession(db.url);
    await old.query(`SELECT pg_advisory_lock(1882351216, hashtext($1))`, [owner.arn]);
    await attacker.grab();

    await expect(new Execution().plan()).rejects.toMatchObject({ name: 'MigrationInProgress' });
  });

  it('is one whose login may change the migration, by itself or as a role that it may become', async () => {
    const { observer, db } = await migratedTo('Plan');
    const named = (name: string) => `${name}_${db.name}`;
    const names = ['owner', 'member', 'noinherit', 'nothing', 'approver', 'reader', 'stranger', 'boss'];
    const [owner, member, noinherit, nothing, approver, reader, stranger, boss] = names.map(named);
    await observer.query(`
      CREATE ROLE ${owner}; CREATE ROLE ${member} IN ROLE ${owner}; CREATE ROLE ${noinherit} NOINHERIT IN ROLE ${owner};
      CREATE ROLE ${nothing}; GRANT ${owner} TO ${nothing} WITH INHERIT FALSE, SET FALSE;
      CREATE ROLE ${approver}; CREATE ROLE ${reader}; CREATE ROLE ${stranger}; CREATE ROLE ${boss} SUPERUSER;
      ALTER TABLE p2pfk.migration OWNER TO ${owner};
      GRANT UPDATE (approved_at, approved_by, updated_at) ON p2pfk.migration TO ${approver};
      GRANT SELECT ON p2pfk.migration TO ${reader}`);
    onTestFinished(async () => {
      await observer.query(`REASSIGN OWNED BY ${owner} TO CURRENT_USER; DROP OWNED BY ${names.map(named)} CASCADE;
        DROP ROLE ${names.map(named)}`);
    });

    const { rows } = await observer.query<{ name: string; trusted: boolean }>(
      `SELECT name, p2pfk.is_trusted_login((name || '_' || current_database())::regrole) AS trusted FROM unnest($1::text[]) name`,
      [names],
    );

    expect(rows.filter(({ trusted }) => trusted).map(({ name }) => name)).toEqual([
      'owner',
      'member',
      'noinherit',
      'boss',
    ]);
  });
});

it('a new key is chosen for each execution', async () => {
  const { db } = await databaseWith();
  const core = await coreSession(db.url);
  await holdExecution(core, executionArn());
  await holdExecution(core, executionArn());

  const { rows } = await core.query(
    `SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
  );

  expect(new Set(rows.map(({ classid, objid }) => `${classid}/${objid}`)).size).toBe(2);
});

describeWithPsql('the psql scripts', () => {
  it('get through while a role that can only connect holds every key that can be guessed', async () => {
    const testCase = await databaseWith();
    const { db, observer } = testCase;
    const original = await everything(observer);
    const attacker = await attackerOf(testCase);

    for (const step of [...STEPS, 'rollback'] as const) {
      await attacker.grab();
      await psqlInOrder(db.url, [step]);
    }

    expect(await everything(observer)).toBe(original);
  });
});

describe('a sign of life', () => {
  it('of an owner that holds a key is written when half of its time is over, or under another key', async () => {
    const arn = executionArn();
    const { db, observer } = await migratedTo('Plan', undefined, arn);
    await livesAs(db, arn);
    const core = await coreSession(db.url);
    const isWritten = async () => {
      const row = () => oneRow<{ xmin: string }>(observer, 'SELECT xmin::text AS xmin FROM p2pfk.migration');
      const before = await row();
      await extendLease(core, '1', arn, 90);
      return (await row()).xmin !== before.xmin;
    };

    expect(await isWritten()).toBe(true);
    expect(await isWritten()).toBe(false);
    await observer.query("UPDATE p2pfk.migration SET lease_until = now() + interval '44 seconds'");
    expect(await isWritten()).toBe(true);
    await observer.query('UPDATE p2pfk.migration SET liveness_key = 1');
    expect(await isWritten()).toBe(true);
  });

  it('of an owner that holds none is written each time', async () => {
    const arn = remoteArn('lives');
    const { db, observer } = await migratedTo('Plan', undefined, arn);
    const core = await coreSession(db.url);
    await extendLease(core, '1', arn, 90);
    await observer.query("UPDATE p2pfk.migration SET updated_at = now() - interval '1 hour'");

    await extendLease(core, '1', arn, 90);

    const sql = "SELECT updated_at > now() - interval '1 minute' AS now FROM p2pfk.migration";
    expect(await oneRow(observer, sql)).toEqual({ now: true });
  });
});

it('two local executions of one name, on two machines, do not work on one migration', async () => {
  const { db, observer } = await databaseWith();
  const one = new Execution();
  await holdExecution(await coreSession(db.url), one.arn);
  await one.migrate('AddForeignKeys');
  const before = await everything(observer);
  // In the process of the other machine there is no key of that name yet.
  forgetExecution(one.arn);
  await holdExecution(await coreSession(db.url), one.arn);
  const other = new Execution(one.arn);

  for (const operation of ['migrate', 'rollback'])
    await expect(other.plan({ operation })).rejects.toMatchObject({
      name: 'MigrationInProgress',
      message: expect.stringContaining(`is being worked on by ${one.arn} (at work since`),
    });

  expect(await everything(observer)).toBe(before);
});
