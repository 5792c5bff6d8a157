/** Profiles of p2pfk.config.json: what they may say, who may have written them, and what wins over them. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CONFIG_KEYS } from '../../cli/config/keys.ts';
import { createProgram } from '../../cli/program.ts';
import { createDatabase } from '../support/database.ts';
import { p2pfkHere } from './here.helpers.ts';

const NOWHERE = 'postgres://me@127.0.0.1:1/of_the_profile';

/** The working directory from now on; it holds these files. */
function workIn(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2pfk-config-'));
  const spy = vi.spyOn(process, 'cwd').mockReturnValue(folder);
  onTestFinished(() => {
    spy.mockRestore();
    rmSync(folder, { recursive: true });
  });
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  return folder;
}

const withProfile = (profile: unknown) => workIn({ 'p2pfk.config.json': { profiles: { prod: profile } } });
const PLAN = ['plan', '-t', 'path', '--profile', 'prod'];

/** The one line of a command that refuses. */
async function refused(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { code, stdout, stderr } = await p2pfkHere(args, env);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^p2pfk: [^\n]+\n$/);
  return stderr;
}

describe('a profile', () => {
  it('says where the database is, and gives way to the environment, which gives way to the command line', async () => {
    withProfile({ databaseUrl: NOWHERE });
    const of = (name: string) => `postgres://me@127.0.0.1:1/${name}`;

    expect(await refused(PLAN)).toContain('127.0.0.1:1/of_the_profile');
    expect(await refused(PLAN, { DATABASE_URL: of('of_the_environment') })).toContain('/of_the_environment');
    expect(await refused(PLAN, { DATABASE_URL: ' ' })).toContain('/of_the_profile');
    expect(await refused([...PLAN, '-d', of('typed')], { DATABASE_URL: of('of_the_environment') })).toContain('/typed');
    expect(await refused(PLAN, { PGDATABASE: 'of_a_variable' })).toContain('127.0.0.1:1/of_a_variable');
    // A host of the one with a port of the other would be a third server.
    expect(await refused(PLAN, { PGHOST: '127.0.0.2', PGPORT: '2' })).toContain('127.0.0.2:2/of_the_profile');
    expect(await refused(PLAN, { PGPORT: '3' })).toContain('/var/run/postgresql/.s.PGSQL.3');
  });

  it('is used only where it is named', async () => {
    withProfile({ databaseUrl: NOWHERE });

    expect(await refused(['plan', '-t', 'path'], { PGPORT: '1' })).toContain('no host is given');
  });

  it('gives options their values, which a flag replaces, and which are checked as if they were typed', async () => {
    const db = await createDatabase('empty');
    onTestFinished(() => db.drop());
    const client = await db.client();
    await client.query(`
      CREATE TABLE inode (k int PRIMARY KEY) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path (k int CONSTRAINT path_fk REFERENCES inode) PARTITION BY LIST (k);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);`);
    withProfile({ lockTimeoutMs: 100, maxReplicaLag: '2s' });
    const waits = async (...more: string[]) => {
      const { stdout } = await p2pfkHere([...PLAN, '--json', ...more], { DATABASE_URL: db.url });
      return (JSON.parse(stdout) as { estimate: { dropWaitMs: number } }).estimate.dropWaitMs;
    };
    expect(await waits()).toBeLessThan(100);
    expect(await waits('--lock-timeout-ms', '900')).toBeGreaterThan(500);

    withProfile({ databaseUrl: NOWHERE, maxConcurrency: 99 });
    expect(await refused(PLAN)).toContain('--max-concurrency must be a whole number from 1 to 40, not 99');
    withProfile({ databaseUrl: NOWHERE, approval: 'manual', approvalTimeout: 'soon' });
    expect(await refused(['migrate', '-t', 'path', '--profile', 'prod'])).toContain(
      'approvalTimeout of the profile cannot be used: It must be a duration',
    );
  });

  it('may be in package.json', async () => {
    workIn({ 'package.json': { name: 'app', p2pfk: { profiles: { prod: { databaseUrl: NOWHERE } } } } });
    expect(await refused(PLAN)).toContain('/of_the_profile');

    workIn({ 'package.json': { name: 'app' } });
    expect(await refused(PLAN)).toMatch(/--profile needs a p2pfk\.config\.json in .*; a profile of AWS is named with/);
  });
});

describe('refused, in one line', () => {
  it.each([
    ['an unknown option', { datbaseUrl: NOWHERE }, 'unknown key "datbaseUrl"; did you mean "databaseUrl"?'],
    ['a password', { databaseUrl: 'postgres://me:hunter22@db/x' }, 'databaseUrl holds a password'],
    ['a password as a parameter', { databaseUrl: 'host=db password=hunter22' }, 'databaseUrl holds a password'],
    [
      'a password elsewhere',
      { maxReplicaLag: 'postgres://me:hunter22@db/x' },
      'maxReplicaLag holds a connection string',
    ],
    ['an option of a session', { databaseUrl: 'host=db options=-csearch_path=x' }, 'databaseUrl may not have options'],
    ['an address', { databaseUrl: 'host=db hostaddr=192.0.2.1' }, 'databaseUrl may not have hostaddr'],
    ['a service', { databaseUrl: 'service=prod' }, 'databaseUrl may not have service'],
    ['a file of passwords', { databaseUrl: 'host=db passfile=x' }, 'databaseUrl may not have passfile'],
    ['a longer lock budget', { lockTimeoutMs: 501 }, 'lockTimeoutMs must be a whole number up to 500'],
    ['no approval', { approval: 'auto' }, 'approval must be "manual"'],
    ['one person', { approverMustDiffer: false }, 'approverMustDiffer must be true'],
    ['a wrong type', { maxConcurrency: '8' }, 'maxConcurrency must be a whole number'],
    ['no object', 'x', 'it must be an object of options'],
  ])('%s', async (_what, profile, message) => {
    withProfile(profile);
    const line = await refused(PLAN);

    expect(line).toContain(`p2pfk.config.json, profile "prod": ${message}`);
    expect(line).not.toContain('hunter22');
  });

  it('another profile, with the nearest name; another key beside the profiles; what is no JSON', async () => {
    workIn({ 'p2pfk.config.json': { profiles: { prd: {} } } });
    expect(await refused(PLAN)).toContain('has no profile "prod"; did you mean "prd"?');
    workIn({ 'p2pfk.config.json': { profils: {} } });
    expect(await refused(PLAN)).toContain('unknown key "profils"; did you mean "profiles"?');
    workIn({ 'p2pfk.config.json': '{ "profiles": { "prod": { "databaseUrl": "postgres://me:hunter22@db"' });
    expect(await refused(PLAN)).toMatch(/p2pfk\.config\.json is not JSON\n$/);
  });

  it('every option that could make p2pfk less careful: only those that are listed may come from a file', async () => {
    const options = createProgram(() => undefined).commands.flatMap((command) => command.options);
    const attributes = new Set(options.map((option) => option.attributeName()));
    const forbidden = [...attributes].filter((key) => !Object.hasOwn(CONFIG_KEYS, key));

    expect(Object.keys(CONFIG_KEYS).sort()).toEqual([
      'approval',
      'approvalTimeout',
      'approverMustDiffer',
      'databaseUrl',
      'lockTimeoutMs',
      'maxActiveSessions',
      'maxConcurrency',
      'maxReplicaLag',
      'maxSnapshotAge',
      'pairConstraintNames',
    ]);
    expect(forbidden).toEqual(
      expect.arrayContaining([
        ...[
          'accept',
          'yes',
          'notifyUrl',
          'onEvent',
          'trace',
          'metrics',
          'trustOwner',
          'ledgerOwner',
          'holdBackQuery',
          'allowHoldBackQuery',
          'sessionPooler',
          'relink',
        ],
        ...[
          'searchPath',
          'table',
          'constraint',
          'by',
          'reason',
          'report',
          'stateDir',
          'reader',
          'allowBlockingRollback',
        ],
        ...['terminateIdleBlockers', 'rowMovementGuard', 'maintenanceWorkMem', 'endpointUrl', 'showBlockingQueries'],
      ]),
    );
    for (const key of forbidden) {
      withProfile({ [key]: 'x' });
      expect(await refused(PLAN)).toContain(`"${key}" may not come from a file: give it as --`);
    }
  });
});

describe('a file that was planted', () => {
  it.runIf(process.geteuid !== undefined)('by another user, or could be, is not read', async () => {
    const folder = withProfile({ databaseUrl: NOWHERE });
    chmodSync(join(folder, 'p2pfk.config.json'), 0o666);
    expect(await refused(PLAN)).toContain('p2pfk.config.json is not used: it may be written by every user');

    chmodSync(join(folder, 'p2pfk.config.json'), 0o600);
    chmodSync(folder, 0o777);
    expect(await refused(PLAN)).toContain('it may be written by every user, who can put another file in its place');
  });

  it('leads no password of the environment to a server of its own, and weakens no TLS', async () => {
    withProfile({ databaseUrl: 'postgres://me@127.0.0.1:1/x?sslmode=disable' });

    expect(await refused(PLAN, { PGPASSWORD: 'hunter22' })).toMatch(
      /^p2pfk: PGPASSWORD would be sent to the server that a file names: set PGHOST/,
    );
    withProfile({ databaseUrl: 'postgres://me@:1/x' });
    expect(await refused(PLAN, { PGPASSWORD: 'hunter22' })).toContain(
      'PGPASSWORD would be sent to the server that a file',
    );
    expect(await refused(PLAN, { PGPASSWORD: 'hunter22', PGHOST: '127.0.0.2', PGPORT: '2' })).toContain(
      '127.0.0.2:2/x',
    );
    withProfile({ databaseUrl: 'postgres://me@127.0.0.1:1/x?sslmode=disable' });
    expect(await refused(PLAN, { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/nowhere.pem' })).toContain('/nowhere.pem');
  });
});
