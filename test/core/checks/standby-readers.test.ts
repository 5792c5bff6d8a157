/** What is known of standbys and their lag: the finding `standby-readers`, and the limit on the lag, also on Aurora. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PlanFinding } from '../../../core/contracts/documents.ts';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import type { MigrationOptions } from '../../../core/ledger/migrations.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { throttleReason } from '../../../core/steps/throttle.ts';
import { p2pfk } from '../../cli/cli.helpers.ts';
import { waitUntil } from '../../support/observe.ts';
import {
  type Replicated,
  type ReplicatedDatabase,
  replicatedDatabase,
  startReplicated,
} from '../../support/standby.ts';
import { coreSession, oneRow, THREE_PAIRS } from '../case.helpers.ts';

let servers: Replicated;
beforeAll(async () => {
  servers = await startReplicated();
});
afterAll(() => servers?.stop());

const database = () => replicatedDatabase(servers, THREE_PAIRS);

async function standbyReaders(client: Client): Promise<PlanFinding | undefined> {
  const { findings } = await planMigration(client, ExecutionInput.parse({ table: 'public.path' }));
  return findings.find(({ id }) => id === 'standby-readers');
}

/** A role that may read the tables and see nothing of other sessions. */
async function plainLogin({ name, url, observer }: ReplicatedDatabase): Promise<{ role: string; login: string }> {
  const role = `plain_${name}`;
  await observer.query(
    `CREATE ROLE ${role} LOGIN PASSWORD 'plain'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
  );
  return { role, login: url.replace(/\/\/[^@]*@/, `//${role}:plain@`) };
}

/** Aurora's function, as far as we ask it, in a schema; it notes each call. */
async function plantAurora({ observer }: ReplicatedDatabase, schema: string, readers: string): Promise<void> {
  await observer.query(`
    CREATE TABLE called (by text);
    CREATE FUNCTION ${schema}.aurora_replica_status(OUT server_id text, OUT session_id text, OUT replica_lag_in_msec double precision,
                                                   OUT last_update_timestamp timestamptz)
      RETURNS SETOF record LANGUAGE plpgsql AS $$
      BEGIN
        IF NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' THEN
          INSERT INTO public.called VALUES (current_user);
        END IF;
        RETURN QUERY VALUES ('writer', 'MASTER_SESSION_ID', NULL::float8, clock_timestamp()) ${readers};
      END $$;
    ALTER ROLE postgres SET search_path = public, pg_catalog`);
  onTestFinished(async () => {
    await observer.query(`ALTER ROLE postgres RESET search_path; DROP FUNCTION ${schema}.aurora_replica_status()`);
  });
}

describe('the finding standby-readers', () => {
  it('names the standbys that stream, without logical walsenders, and says what cannot be seen', async () => {
    const db = await database();
    await db.observer.query(`SELECT pg_create_logical_replication_slot('logical_${db.name}', 'pgoutput')`);
    const subscriber = new Client({
      connectionString: db.url,
      application_name: 'a subscriber',
      ...{ replication: 'database' },
    });
    subscriber.on('error', () => undefined);
    await subscriber.connect();
    void subscriber
      .query(`START_REPLICATION SLOT "logical_${db.name}" LOGICAL 0/0 (proto_version '1', publication_names 'none')`)
      .catch(() => undefined);
    const senders = async () =>
      (await db.observer.query(`SELECT FROM pg_stat_replication WHERE state IS NOT NULL`)).rowCount === 2;
    await waitUntil(senders, 'both walsenders');

    const found = await standbyReaders(await coreSession(db.url));

    expect(found).toMatchObject({ severity: 'warning', needsAcceptance: false });
    expect(found?.message).toMatch(
      /^a standby streams from this server: standby \(127\.0\.0\.1\); the ACCESS EXCLUSIVE locks/,
    );
    expect(found?.message).toMatch(
      /max_standby_streaming_delay of that standby .*, which cannot be seen from the primary$/,
    );
    expect(found?.remedy).toMatch(/--reader/);
    await subscriber.end();
    await waitUntil(
      async () => !(await oneRow<{ active: boolean }>(db.observer, `SELECT active FROM pg_replication_slots`)).active,
      'the slot to be free',
    );
    await db.observer.query(`SELECT pg_drop_replication_slot('logical_${db.name}')`);
  });

  it('has the bound of the standbys that are named as readers', async () => {
    const db = await database();
    vi.stubEnv('P2PFK_READERS', db.readerUrl);

    const found = await standbyReaders(await coreSession(db.url));

    expect(found).toMatchObject({ severity: 'info', remedy: expect.stringMatching(/^nothing to do/) });
    expect(found?.message).toMatch(/replay waits there at most \(max_standby_streaming_delay\): 127\.0\.0\.1:\d+ 30s$/);
  });

  it('says to a role without pg_monitor that it cannot see what is there, and refuses it as one that asks readers', async () => {
    const db = await database();
    const { role, login } = await plainLogin(db);

    const found = await standbyReaders(await coreSession(login));

    expect(found).toMatchObject({ severity: 'warning', remedy: expect.stringMatching(/^GRANT pg_monitor/) });
    expect(found?.message).toMatch(
      /^replication is at work \(1 connection\(s\)\), and this role may not see whether it feeds standbys/,
    );
    await db.caughtUp();
    vi.stubEnv('P2PFK_READERS', db.readerUrl.replace(/\/\/[^@]*@/, '//'));
    await expect(standbyReaders(await coreSession(login))).rejects.toMatchObject({
      name: 'PrivilegeMissing',
      message: expect.stringMatching(/^reader 127\.0\.0\.1:\d+: this role cannot see .*; GRANT pg_monitor/),
    });
    await db.observer.query(`GRANT pg_monitor TO ${role}`);
    await db.caughtUp();
    expect((await standbyReaders(await coreSession(login)))?.severity).toBe('info');
  });
});

it('a plan made on a standby forecasts no writes, which only the primary counts', async () => {
  const db = await database();
  await db.caughtUp();
  const plan = async (url: string) =>
    planMigration(await coreSession(url), ExecutionInput.parse({ table: 'public.path' }));

  expect((await plan(db.url)).estimate.writes).toBeDefined();
  expect((await plan(db.readerUrl)).estimate.writes).toBeUndefined();
});

describe('on Aurora', () => {
  const READERS = `, ('one', 'a-uuid', 12.5, clock_timestamp()), ('two', 'b-uuid', 2500, clock_timestamp()),
    ('gone', 'c-uuid', 99999, clock_timestamp() - interval '1 hour')`;

  it('its own function names the readers, and tells their lag', async () => {
    const db = await database();
    await plantAurora(db, 'pg_catalog', READERS);
    const core = await coreSession(db.url);

    expect((await standbyReaders(core))?.message).toMatch(/the Aurora cluster has readers: one, two;/);
    expect(await throttleReason(core, { maxReplicaLagSeconds: 3 } as MigrationOptions)).toBeUndefined();
    expect(await throttleReason(core, { maxReplicaLagSeconds: 2 } as MigrationOptions)).toBe(
      'a standby is 2.5 s behind, the limit is 2 s',
    );
  });

  it.each([
    ['without readers', '', /^no lag can be seen .* of 0 reader\(s\) of 0;/],
    [
      'whose reader does not tell',
      `, ('one', 'a-uuid', NULL, clock_timestamp())`,
      /^no lag can be seen .* of 0 reader\(s\) of 1;/,
    ],
  ])('a limit on the lag of a cluster %s is refused', async (_, readers, message) => {
    const db = await database();
    await plantAurora(db, 'pg_catalog', readers);
    const held = throttleReason(await coreSession(db.url), { maxReplicaLagSeconds: 2 } as MigrationOptions);
    await expect(held).rejects.toMatchObject({ name: 'InvalidInput', message: expect.stringMatching(message) });
  });

  it('a function of that name in a schema of the user is never called', async () => {
    const db = await database();
    await plantAurora(db, 'public', READERS);
    const core = await coreSession(db.url);

    expect((await standbyReaders(core))?.message).not.toMatch(/Aurora/);
    expect(await throttleReason(core, { maxReplicaLagSeconds: 3_600 } as MigrationOptions)).toBeUndefined();
    expect(await oneRow(db.observer, 'SELECT count(*)::int AS calls FROM called')).toEqual({ calls: 0 });
  });

  it('neither is one that a role other than a superuser has put into pg_catalog', async () => {
    const db = await database();
    await plantAurora(db, 'pg_catalog', READERS);
    const { role } = await plainLogin(db);
    await db.observer.query(`ALTER FUNCTION pg_catalog.aurora_replica_status() OWNER TO ${role}`);
    const core = await coreSession(db.url);

    expect((await standbyReaders(core))?.message).not.toMatch(/Aurora/);
    expect(await oneRow(db.observer, 'SELECT count(*)::int AS calls FROM called')).toEqual({ calls: 0 });
  });
});

describe('p2pfk --reader', () => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'p2pfk-readers-'));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  };
  const databaseAt = (url: string) => ({ DATABASE_URL: url });

  it('migrates and rolls back, and the reader’s password is warned about and kept nowhere', async () => {
    const db = await database();
    const { password, port } = new URL(db.readerUrl);
    const state = folder();
    const run = (command: string, reader: string) =>
      p2pfk([command, '-t', 'path', '--reader', reader, '--state-dir', state], databaseAt(db.url));

    const migrated = await run('migrate', db.readerUrl);
    const rolledBack = await run('rollback', `host=127.0.0.1 port=${port}`);

    expect({ code: migrated.code, stderr: migrated.stderr }).toEqual({
      code: 0,
      stderr: '! the password in --reader is visible in the process list: use P2PFK_READERS, PGPASSWORD or ~/.pgpass\n',
    });
    expect({ code: rolledBack.code, stderr: rolledBack.stderr }).toEqual({ code: 0, stderr: '' });
    expect(migrated.stdout + rolledBack.stdout).not.toContain(password);
    for (const file of readdirSync(state, { recursive: true, withFileTypes: true }))
      if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name), 'latin1')).not.toContain(password);
    const { rows } = await db.observer.query('SELECT options::text AS text FROM p2pfk.migration');
    expect(JSON.stringify(rows)).not.toMatch(/reader/i);
  });

  it.each(['plan', 'migrate', 'rollback'])('%s says in one line that a reader cannot be reached', async (command) => {
    const db = await database();

    const { code, stderr } = await p2pfk(
      [command, '-t', 'path', '--reader', 'postgres://127.0.0.1:1'],
      databaseAt(db.url),
    );

    expect(code).toBe(2);
    expect(stderr).toMatch(/^p2pfk: reader 127\.0\.0\.1:1 cannot be asked whether it is free, .*\n$/);
  });
});
