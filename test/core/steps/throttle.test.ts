/** Holding back under load: no pair is begun, nothing is half-done, and it goes on when the load falls. */
import { Client } from 'pg';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { MigrationOptions } from '../../../core/ledger/migrations.ts';
import { holdBackSeconds, throttleReason } from '../../../core/steps/throttle.ts';
import { backends, waitForQuery, waitUntil } from '../../support/observe.ts';
import { coreSession, databaseWith, everything, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const pairOne = (observer: Client) =>
  oneRow(observer, 'SELECT state, index_added, constraint_added, attempts FROM p2pfk.pair WHERE pair = 1');

/** A session that works until it is told to stop. */
async function busy({ db, observer }: TestCase, url = db.url, applicationName = 'application') {
  const client = new Client({ connectionString: url, application_name: applicationName });
  await client.connect();
  onTestFinished(() => client.end());
  const { pid } = await oneRow<{ pid: number }>(client, 'SELECT pg_backend_pid() AS pid');
  const working = client.query('SELECT pg_sleep(600)').catch(() => undefined);
  await waitUntil(
    async () => (await backends(observer)).some((backend) => backend.pid === pid && backend.state === 'active'),
    'a session to be busy',
  );
  const stop = async () => {
    await observer.query('SELECT pg_cancel_backend($1)', [pid]);
    await working;
  };
  return { stop };
}

describe('what is held back', () => {
  const options = { plannedAt: '2027-01-31T00:00:00Z' } as MigrationOptions;

  it.each([
    ['at once', 0, 10],
    ['after ten minutes', 600, 30],
    ['after ten hours', 36_000, 300],
  ])('%s is asked after %i s in %i s: an execution has 25,000 events', (_, since, seconds) => {
    expect(holdBackSeconds(options, Date.parse('2027-01-31T00:00:00Z') + since * 1_000)).toBe(seconds);
  });
});

describe('a limit on active sessions', () => {
  it('holds each pair back while it is exceeded, before anything of it is begun, and lets it go on', async () => {
    const testCase = await databaseWith();
    const { observer } = testCase;
    const execution = new Execution();
    await execution.plan({ maxActiveSessions: 1 });
    const [one, other] = [await busy(testCase), await busy(testCase)];
    const before = await everything(observer);

    expect(await execution.buildIndex(1)).toMatchObject({
      status: 'RUNNING',
      waitSeconds: 10,
      note: '2 sessions are active, the limit is 1',
    });
    expect(await everything(observer)).toBe(before);
    expect(await pairOne(observer)).toMatchObject({ state: 'planned', index_added: false });

    // An index build waits for older snapshots, and so for both.
    await one.stop();
    await other.stop();
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'DONE' });
    await execution.addForeignKey(1);
    const [third, fourth] = [await busy(testCase), await busy(testCase)];
    expect(await execution.validateForeignKey(1)).toMatchObject({ status: 'RUNNING', note: expect.any(String) });
    expect(await pairOne(observer)).toMatchObject({ state: 'added' });
    // What is done already is no load.
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'SKIPPED' });

    await third.stop();
    expect(await execution.validateForeignKey(1)).not.toHaveProperty('note');
    expect(await pairOne(observer)).toMatchObject({ state: 'validated' });
    await fourth.stop();
  });

  it('does not count sessions of ours, but those of a role that only names its own so', async () => {
    const testCase = await databaseWith();
    const { url: plain } = await plainRole(testCase);
    await new Execution().plan();
    const core = await coreSession(testCase.db.url);
    const held = () => throttleReason(core, { maxActiveSessions: 1 } as MigrationOptions);
    const name = 'p2pfk/1/run/validate-foreign-key/1';

    for (const one of [await busy(testCase, testCase.db.url, name), await busy(testCase, testCase.db.url, name)]) {
      expect(await held()).toBeUndefined();
      await one.stop();
    }
    const impostors = [await busy(testCase, plain, name), await busy(testCase, plain, name)];
    expect(await held()).toBe('2 sessions are active, the limit is 1');
    for (const one of impostors) await one.stop();
  });
});

describe('a limit on the age of snapshots', () => {
  const limit = (seconds: number) => ({ maxSnapshotAgeSeconds: seconds }) as MigrationOptions;

  it('holds each pair back while a session holds VACUUM back for longer, and lets it go on', async () => {
    const testCase = await databaseWith();
    const { observer } = testCase;
    const execution = new Execution();
    await execution.plan({ maxSnapshotAgeSeconds: 1 });
    const report = await busy(testCase, testCase.db.url, 'nightly report');
    const core = await coreSession(testCase.db.url);
    await waitUntil(async () => (await throttleReason(core, limit(1))) !== undefined, 'the snapshot to be old');
    const before = await everything(observer);

    expect(await execution.buildIndex(1)).toMatchObject({
      status: 'RUNNING',
      note: expect.stringMatching(
        /^pid \d+ \(postgres, nightly report\) has held VACUUM back for \d+ s, the limit is 1 s$/,
      ),
    });
    expect(await everything(observer)).toBe(before);

    await report.stop();
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'DONE' });
  });

  const HOLDERS: readonly [what: string, statements: readonly string[], held: RegExp | undefined][] = [
    [
      'REPEATABLE READ that has read',
      ['BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1 FROM public.path'],
      /^pid \d+ \(/,
    ],
    ['an open write', ['BEGIN', 'DELETE FROM public.path'], /^pid \d+ \(/],
    [
      'a prepared transaction',
      ['BEGIN', 'DELETE FROM public.path', "PREPARE TRANSACTION 'late'"],
      /^prepared transaction late of postgres has/,
    ],
    ['READ COMMITTED that has read, which holds nothing', ['BEGIN', 'SELECT 1 FROM public.path'], undefined],
  ];
  it.each(HOLDERS)('sees %s', async (_, statements, held) => {
    const { db, observer } = await databaseWith();
    const core = await coreSession(db.url);
    const other = await coreSession(db.url);
    for (const statement of statements) await other.query(statement);

    const reason = await throttleReason(core, limit(0));

    if (held === undefined) expect(reason).toBeUndefined();
    else expect(reason).toMatch(held);
    expect(await throttleReason(core, limit(3_600))).toBeUndefined();
    if (statements.length > 2) await observer.query("ROLLBACK PREPARED 'late'");
    else await other.query('ROLLBACK');
  });
});

describe('a limit on what a role may not see is refused', () => {
  it.each([
    ['the lag of standbys', { maxReplicaLagSeconds: 5 }],
    ['the sessions of other roles', { maxActiveSessions: 5 }],
    ['the snapshots of other roles', { maxSnapshotAgeSeconds: 3_600 }],
  ])('%s', async (_, limit) => {
    const testCase = await databaseWith();
    const { role } = await plainRole(testCase);
    const core = await coreSession(testCase.db.url);
    const held = () => throttleReason(core, limit as MigrationOptions);

    await core.query(`SET ROLE ${role}`);
    await expect(held()).rejects.toMatchObject({ name: 'PrivilegeMissing' });
    await expect(held()).rejects.toThrow(/GRANT pg_monitor/);

    await testCase.observer.query(`GRANT pg_monitor TO ${role}`);
    if (!('maxReplicaLagSeconds' in limit)) expect(await held()).toBeUndefined();
    else await expect(held()).rejects.toThrow(/^no lag can be seen .* no standby streams from this server/);
    await core.query('RESET ROLE');
  });
});

describe('a hold-back query that the operator has not allowed', () => {
  const planned = () => new Execution().plan({ holdBackQuery: 'SELEC true' });

  it.each([undefined, '', 'false', '1'])(
    'is refused before it is run, with P2PFK_ALLOW_HOLD_BACK_QUERY=%s',
    async (value) => {
      const { observer } = await databaseWith();
      vi.stubEnv('P2PFK_ALLOW_HOLD_BACK_QUERY', value);
      await expect(planned()).rejects.toMatchObject({ name: 'InvalidInput' });
      await expect(planned()).rejects.toThrow(/^holdBackQuery is not allowed here/);
      expect(await oneRow(observer, `SELECT to_regclass('p2pfk.migration') AS ledger`)).toEqual({ ledger: null });
    },
  );

  it('is not run from the ledger either, by whoever put it there', async () => {
    const { observer } = await databaseWith();
    vi.stubEnv('P2PFK_ALLOW_HOLD_BACK_QUERY', undefined);
    const execution = new Execution();
    await execution.plan();
    await observer.query(
      `UPDATE p2pfk.migration SET options = jsonb_set(options::jsonb, '{holdBackQuery}', '"SELECT false"')`,
    );
    expect(await execution.buildIndex(1)).toMatchObject({
      status: 'RUNNING',
      note: expect.stringMatching(/^holdBackQuery is not allowed here/),
    });
  });
});

describe('a hold-back query', () => {
  beforeEach(() => {
    vi.stubEnv('P2PFK_ALLOW_HOLD_BACK_QUERY', 'true');
    return () => vi.unstubAllEnvs();
  });

  it.each([
    ['an error', `SELECT pg_read_file('/etc/passwd')::boolean`],
    ['an error in XML, whose detail quotes it', `SELECT ('<' || word)::xml IS NULL FROM secret`],
    ['an error of a loss', `SELECT disclose('57P01')`],
    ['an error of a cancel', `SELECT disclose('57014')`],
    ['an error of our own fence', `SELECT disclose('P2F01')`],
    ['a result', 'SELECT word FROM secret'],
    ['a notice', `SELECT disclose('00000')`],
  ])('whose %s would quote what it has read is quoted nowhere', async (_, holdBackQuery) => {
    const { observer } = await databaseWith();
    await observer.query(`
      CREATE TABLE secret AS SELECT 'swordfish' AS word;
      CREATE FUNCTION disclose(state text) RETURNS text LANGUAGE plpgsql AS $$
      BEGIN
        IF state = '00000' THEN
          RAISE NOTICE '%', (SELECT word FROM secret);
          RETURN 'swordfish';
        END IF;
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = (SELECT 'connection terminated swordfish'), DETAIL = 'swordfish', HINT = 'swordfish';
      END $$`);
    const error: unknown = await new Execution().plan({ holdBackQuery }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    const { message, name, cause, context } = error as Error & { context: object };
    expect(`${message} ${JSON.stringify(context)}`).not.toMatch(/swordfish|root:|disclose/);
    expect(cause).toBeUndefined();
    expect(name).toMatch(/InvalidInput|ConnectionLost/);
  });

  it('holds back while it is true; names in it mean what they mean to the caller', async () => {
    const { observer } = await databaseWith();
    await observer.query('CREATE TABLE gate AS SELECT true AS busy');
    const execution = new Execution();
    await execution.plan({ holdBackQuery: 'SELECT busy FROM gate' });

    expect(await execution.buildIndex(1)).toMatchObject({ status: 'RUNNING', note: 'the hold-back query says so' });
    await observer.query('UPDATE gate SET busy = false');
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'DONE' });
  });

  it.each([
    ['that fails', 'SELECT busy FROM nowhere', /the hold-back query failed \(SQLSTATE 42P01\)/],
    ['that cannot be read', 'SELEC true', /the hold-back query failed \(SQLSTATE 42601\)/],
    ['that returns no boolean', 'SELECT 1', /must return one row with one boolean/],
    ['that returns NULL', 'SELECT NULL::boolean', /must return one row with one boolean/],
    ['that returns no row', 'SELECT true WHERE false', /must return one row with one boolean/],
    ['that returns two rows', 'SELECT true FROM generate_series(1, 2)', /must return one row with one boolean/],
    ['that returns two columns', 'SELECT true, false', /must return one row with one boolean/],
    ['that is several statements', 'SELECT true; SELECT true', /SQLSTATE 42601/],
    ['that leaves its transaction', 'COMMIT; DROP TABLE path; SELECT true', /SQLSTATE 42601/],
    ['that ends its transaction', 'COMMIT', /must return one row with one boolean/],
    ['that writes', `INSERT INTO inode VALUES ('one', 999, 1) RETURNING true`, /SQLSTATE 25006/],
    ['that takes too long', 'SELECT pg_sleep(600) IS NULL', /SQLSTATE 57014/],
  ])('%s is refused before anything begins', async (_, holdBackQuery, message) => {
    const { observer } = await databaseWith();
    const before = await everything(observer);

    const planned = new Execution().plan({ holdBackQuery });

    await expect(planned).rejects.toMatchObject({ name: 'InvalidInput' });
    await expect(planned).rejects.toThrow(message);
    expect(await everything(observer)).toBe(before);
    expect(await oneRow(observer, `SELECT to_regclass('p2pfk.migration') AS ledger`)).toEqual({ ledger: null });
  });

  it('leaves the session as it was, whatever it does', async () => {
    const { db } = await databaseWith();
    const core = await coreSession(db.url);
    const settings = () =>
      oneRow(
        core,
        `SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout, current_setting('lock_timeout') AS lock`,
      );
    const before = await settings();

    for (const holdBackQuery of [`SELECT set_config('lock_timeout', '7s', false) = ''`, 'SELECT 1 / 0', 'COMMIT']) {
      await throttleReason(core, { holdBackQuery } as MigrationOptions).catch(() => undefined);
    }

    expect(await settings()).toEqual(before);
  });

  it('that fails once the work has begun holds back, and undoes nothing', async () => {
    const { observer } = await databaseWith();
    await observer.query('CREATE TABLE gate AS SELECT false AS busy');
    const execution = new Execution();
    await execution.plan({ holdBackQuery: 'SELECT busy FROM gate' });
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'DONE' });
    await observer.query('ALTER TABLE gate RENAME TO mislaid');

    expect(await execution.buildIndex(2)).toMatchObject({
      status: 'RUNNING',
      note: 'the hold-back query failed (SQLSTATE 42P01); run it in psql to see why',
    });
    await observer.query('ALTER TABLE mislaid RENAME TO gate');
    expect(await execution.buildIndex(2)).toMatchObject({ status: 'DONE' });
  });

  it('whose connection is lost is asked again', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    const planned = execution.plan({ holdBackQuery: 'SELECT pg_sleep(600) IS NULL' });
    const lost = expect(planned).rejects.toMatchObject({ name: 'ConnectionLost' });
    const { pid } = await waitForQuery(observer, /^SELECT pg_sleep/);
    await observer.query('SELECT pg_terminate_backend($1)', [pid]);
    await lost;
  });
});
