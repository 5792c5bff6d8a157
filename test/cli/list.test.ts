/** `p2pfk list`, and the commands that take an execution by its name, its table, or as the newest one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ExecutionStore, STORE_FILE } from '../../local/store/execution-store.ts';
import { databaseWith, type TestCase, THREE_PAIRS } from '../core/case.helpers.ts';
import { plainRole } from '../core/roles.helpers.ts';
import { stateDirectory } from '../local/endpoint.helpers.ts';
import { start } from './cli.helpers.ts';
import { p2pfkHere } from './here.helpers.ts';
import { arnOf, openEndpoint, type Script, STATE_MACHINE } from './start.helpers.ts';

const LOCAL_MACHINE = 'arn:aws:states:local:000000000000:stateMachine:p2pfk';

async function listed(env: Readonly<Record<string, string>>, ...args: string[]) {
  const { code, stdout, stderr } = await p2pfkHere(['list', '--json', ...args], env);
  return { code, stderr, document: JSON.parse(stdout) };
}

function envOf({ db }: TestCase, stateDir: string): Record<string, string> {
  return { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDir };
}

const outcomes = (document: { readonly executions: readonly { readonly outcome: string; readonly table: string }[] }) =>
  document.executions.map(({ outcome, table }) => `${outcome} ${table}`);

describe('p2pfk list', () => {
  it('lists nothing where there is no ledger and nothing has run, and makes no store', async () => {
    const found = await databaseWith();
    const directory = join(stateDirectory(), 'state');
    const { code, stdout } = await p2pfkHere(['list'], envOf(found, directory));
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Migrations   none: this database has no ledger of p2pfk\nExecutions   none\n',
    });
    expect(existsSync(directory)).toBe(false);
  });

  it('lists migrations and executions of this database, each with the command that comes next, and counts the others', async () => {
    const directory = stateDirectory();
    const other = await databaseWith();
    await p2pfkHere(['migrate', '-t', 'path', '--rehearse', '--quiet', '--by', 'ben'], envOf(other, directory));
    const mine = await databaseWith();
    const env = envOf(mine, directory);
    await p2pfkHere(['migrate', '-t', 'path', '--quiet', '--by', 'ana', '--reason', 'CHG-1'], env);
    await p2pfkHere(['migrate', '-t', 'nope', '--quiet'], env);
    await p2pfkHere(['migrate', '-t', 'gone', '--quiet'], envOf(other, directory));

    const { code, document } = await listed(env);
    expect(code).toBe(0);
    expect(document).toMatchObject({
      database: { database: mine.db.name },
      notListed: 2,
      migrations: [
        {
          id: '1',
          state: 'migrated',
          table: 'public.path',
          constraint: 'path_fk',
          startedBy: 'ana',
          reason: 'CHG-1',
          tookMs: expect.any(Number),
          next: [{ command: 'p2pfk verify --table public.path --constraint path_fk' }],
        },
      ],
    });
    // The one that was refused came to no plan; this machine has noted its database.
    expect(outcomes(document)).toEqual(['REFUSED nope', 'MIGRATED public.path']);
    expect(document.executions[1]).toMatchObject({
      place: 'local',
      constraint: 'path_fk',
      operation: 'migrate',
      startedBy: 'ana',
      database: { database: mine.db.name },
      next: [{ command: `p2pfk report --execution ${document.executions[1].name} --format markdown` }],
    });
    expect((await listed(env, '--limit', '1')).document.executions).toHaveLength(1);
    expect(outcomes((await listed(env, '--no-ledger')).document)).toEqual([
      'REFUSED gone',
      'REFUSED nope',
      'MIGRATED public.path',
      'PAUSED public.path',
    ]);
    const text = await p2pfkHere(['list'], env);
    expect(text.stdout).toMatch(
      /^ +1 {2}migrated +path +path_fk +\S+Z +ana +\S+ \S+ +3: 3 validated +p2pfk verify --table public\.path/m,
    );
    expect(text.stderr).toMatch(/2 executions of other databases are not listed: p2pfk list --no-ledger/);

    const { role, url } = await plainRole(mine);
    const blind = await p2pfkHere(['list'], { ...env, DATABASE_URL: url });
    expect(blind).toMatchObject({ code: 0, stdout: expect.stringContaining('this role may not read the ledger') });
    await mine.observer.query(
      `GRANT USAGE ON SCHEMA p2pfk TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA p2pfk TO ${role}`,
    );
    expect((await listed({ ...env, DATABASE_URL: url })).document.migrations).toHaveLength(1);
    const wrong = await p2pfkHere(['list', '--limit', '0'], env);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('whole number from 1 to 1000') });
  });

  it('escapes what a store and a ledger may hold, and is not stopped by what cannot be read', async () => {
    const directory = stateDirectory();
    const store = ExecutionStore.open(directory);
    const evil = (name: string, input: string, date: Date) =>
      store.create({
        arn: `${LOCAL_MACHINE.replace('stateMachine', 'execution')}:${name}`,
        name,
        stateMachineArn: LOCAL_MACHINE,
        definition: '{}',
        input,
        startDate: date,
      });
    const name = '\u001b]0;owned\u0007 $(touch x)';
    evil(name, JSON.stringify({ table: 'p\u001b[2Jath\nnext', by: '\u202eana' }), new Date(Date.now() - 2_000));
    store.end(`${LOCAL_MACHINE.replace('stateMachine', 'execution')}:${name}`, {
      status: 'SUCCEEDED',
      output: 'no json',
      error: null,
      cause: null,
      stopDate: new Date(Date.now() - 1_000),
    });
    evil('not-json', '{', new Date(Date.now() - 3_000));
    // No time that JavaScript knows.
    evil('no-time', '{}', new Date(8.64e15));
    store.append(`${LOCAL_MACHINE.replace('stateMachine', 'execution')}:not-json`, { id: 1, type: 'Odd' } as never);
    store.close();
    const file = new DatabaseSync(join(directory, STORE_FILE));
    file.exec("update execution set start_date = start_date + 1 where name = 'no-time'");
    file.close();
    const found = await databaseWith(
      THREE_PAIRS.replaceAll(/\bpath(?=[ (])(?!_)/g, '"p\u001b[31math"').replaceAll("'a name", "'a name"),
    );
    const env = envOf(found, directory);
    const migrated = await p2pfkHere(['migrate', '-t', '"p\u001b[31math"', '--rehearse', '--quiet'], env);
    expect(migrated.code).toBe(6);
    for (const args of [['list'], ['list', '--json'], ['status', '-t', '"p\u001b[31math"'], ['list', '--no-ledger']]) {
      const { code, stdout, stderr } = await p2pfkHere(args, env);
      expect(code).toBe(0);
      expect([...stdout, ...stderr].filter((character) => character < ' ' && character !== '\n')).toEqual([]);
      expect(stdout + stderr).not.toContain('\u202e');
    }
    expect((await listed(env)).document.executions).toHaveLength(4);
  });

  it('lists executions in AWS with --state-machine, and says in one line what is not allowed', async () => {
    const found = await databaseWith();
    const database = { systemIdentifier: null, databaseOid: 1, database: 'orders', endpoint: 'db:5432' };
    const endpoint = await endpointWith({
      executions: [
        { name: 'c', status: 'RUNNING', input: { table: 'path', by: 'ana' } },
        {
          name: 'b',
          status: 'SUCCEEDED',
          input: { table: 'path' },
          output: { status: 'PAUSED', reason: 'x' },
          plan: { table: 'public.path', constraint: 'path_fk' },
        },
        {
          name: 'a',
          status: 'SUCCEEDED',
          input: { table: 'path' },
          output: { status: 'MIGRATED' },
          plan: { table: 'public.path', database },
        },
      ],
    });
    const env = envOf(found, stateDirectory());
    const aws = ['--state-machine', STATE_MACHINE, '--endpoint-url', endpoint.url];
    const { document } = await listed(env, ...aws);
    expect(outcomes(document)).toEqual(['RUNNING path', 'PAUSED public.path']);
    expect(document).toMatchObject({ notListed: 1, executions: [{ place: 'aws', startedBy: 'ana' }, {}] });
    expect(document.executions[0].next[0].command).toBe(
      `p2pfk watch --execution ${arnOf('c')} --endpoint-url ${endpoint.url}`,
    );
    const all = await listed(env, '--no-ledger', ...aws);
    expect(all.document.executions).toHaveLength(3);
    const denied = await endpointWith({ executions: [], refuse: [400, 'AccessDeniedException', 'not you'] });
    const refused = await p2pfkHere(['list', '-s', STATE_MACHINE, '--endpoint-url', denied.url], env);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^p2pfk: cannot list the executions: AccessDenied.*states:ListExecutions.*\n$/),
    });
  });
});

async function endpointWith(script: Script) {
  const endpoint = await openEndpoint(script);
  onTestFinished(() => endpoint.close());
  return endpoint;
}

describe('an execution that is not named by its ARN', () => {
  it('is found by its name or a part of it, by its table, or as the newest of the database, and it is said which', async () => {
    const directory = stateDirectory();
    const other = await databaseWith();
    const mine = await databaseWith();
    const env = envOf(mine, directory);
    await p2pfkHere(['migrate', '-t', 'path', '--rehearse', '--quiet'], env);
    await p2pfkHere(['migrate', '-t', 'path', '--rehearse', '--quiet'], envOf(other, directory));
    const [newest, older] = (await listed({ P2PFK_STATE_DIR: directory, PGHOST: '127.0.0.1' }, '--no-ledger')).document
      .executions;
    const chosen = async (args: string[], used: Record<string, string> = env) => {
      const { code, stdout, stderr } = await p2pfkHere(['history', '--json', '--quiet', ...args], used);
      return { code, arn: stdout === '' ? null : (JSON.parse(stdout).execution?.executionArn ?? null), stderr };
    };

    expect((await chosen([])).arn).toBe(older.executionArn);
    expect((await chosen([], { P2PFK_STATE_DIR: directory })).arn).toBe(newest.executionArn);
    expect((await chosen(['--table', 'PUBLIC.path'])).arn).toBe(older.executionArn);
    expect((await chosen(['--execution', newest.name])).arn).toBe(newest.executionArn);
    expect((await chosen(['--execution', newest.name.slice(-8)])).arn).toBe(newest.executionArn);
    expect(await chosen(['--execution', 'migrate-'])).toEqual({
      code: 2,
      arn: null,
      stderr: `p2pfk: "migrate-" may be ${newest.name}, ${older.name}: give more of the name\n`,
    });
    for (const args of [
      ['--execution', 'none'],
      ['--table', 'lone'],
    ])
      expect(await chosen(args)).toMatchObject({
        code: 2,
        arn: null,
        stderr: expect.stringMatching(/^p2pfk: no execution .*p2pfk list.*\n$/),
      });
    expect(await chosen(['--execution', newest.name, '--table', 'path'])).toMatchObject({ code: 2 });

    const said = await p2pfkHere(['history'], env);
    expect(said.stderr).toContain(`The newest execution on database "${mine.db.name}": ${older.name}\n`);
    const report = await p2pfkHere(['report', '--format', 'markdown'], env);
    expect(report.code).toBe(0);
    expect(report.stderr).toContain(older.name);
    const watched = await p2pfkHere(['watch', '--quiet'], env);
    expect(watched.code).toBe(6);
    const stopped = await p2pfkHere(['stop'], env);
    expect(stopped).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^p2pfk: nothing to stop: no execution on database ".*" is running on this machine/,
      ),
    });
  });

  it('is stopped only on the very database that was given, and only where one runs', async () => {
    const directory = stateDirectory();
    const mine = await databaseWith(`${THREE_PAIRS}
      CREATE TABLE other (LIKE path) PARTITION BY LIST (medium);
      CREATE TABLE other_1 PARTITION OF other FOR VALUES IN ('one');
      ALTER TABLE other ADD CONSTRAINT other_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino);`);
    const env = envOf(mine, directory);
    const beginning = (table: string) => {
      const begun = start(['migrate', '-t', table, '--approval', 'manual'], env);
      onTestFinished(async () => {
        begun.child.kill('SIGKILL');
        await begun.finished;
      });
      return begun;
    };
    const first = beginning('path');
    await first.says('Waiting for approval');
    const name = /^Started execution: (migrate-path-\S+)$/m.exec(first.output())?.[1] ?? '';
    const arn = `${LOCAL_MACHINE.replace('stateMachine', 'execution')}:${name}`;

    const elsewhere = await p2pfkHere(['stop'], envOf(await databaseWith(), directory));
    expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining('is running') });
    // By another endpoint it may be a copy of it.
    const url = new URL(mine.db.url);
    const copy = await p2pfkHere(['stop'], {
      ...env,
      DATABASE_URL: `host=otherhost hostaddr=127.0.0.1 port=${url.port} dbname=${mine.db.name} user=${url.username} password=${url.password}`,
    });
    expect(copy).toMatchObject({ code: 2, stderr: expect.stringContaining('is running') });

    const refused = await p2pfkHere(['migrate', '-t', 'path', '--quiet'], env);
    expect(refused).toMatchObject({
      code: 4,
      stdout: expect.stringContaining(`watch it with: p2pfk watch --execution ${arn}`),
    });

    const second = beginning('other');
    await second.says('Waiting for approval');
    const several = await p2pfkHere(['stop'], env);
    expect(several).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^p2pfk: 2 executions on database .* are running \(migrate-other-\S+, migrate-path-\S+\): name one with --execution\n$/,
      ),
    });

    const stopped = await p2pfkHere(['stop', '--table', 'path', '--quiet'], env);
    expect(stopped).toMatchObject({ code: 0, stderr: expect.stringContaining(`: ${name}\n`) });
    const { code, stdout } = await first.finished;
    expect(code).toBe(6);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`Execution: ${name}`);
  });

  it('is found in AWS by --state-machine, or because the ledger has it', async () => {
    const found = await databaseWith();
    const env = envOf(found, stateDirectory());
    const endpoint = await endpointWith({
      executions: [
        { name: 'done', status: 'SUCCEEDED', input: { table: 'path' }, output: { status: 'MIGRATED' } },
        { name: 'nightly', status: 'RUNNING', input: { table: 'path' } },
      ],
    });
    const aws = ['--state-machine', STATE_MACHINE, '--endpoint-url', endpoint.url];
    const stopped = await p2pfkHere(['stop', ...aws, '--json'], {});
    expect(JSON.parse(stopped.stdout).executionArn).toBe(arnOf('nightly'));
    expect(endpoint.requests.filter(({ operation }) => operation === 'StopExecution')).toMatchObject([
      { body: { executionArn: arnOf('nightly') } },
    ]);

    await p2pfkHere(['migrate', '-t', 'path', '--rehearse', '--quiet'], env);
    const credentials = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_ENDPOINT_URL: endpoint.url };
    const chosen = async (execution: string) => {
      await found.observer.query('UPDATE p2pfk.migration SET execution = $1, updated_at = clock_timestamp()', [
        execution,
      ]);
      const { stderr } = await p2pfkHere(['history', '--table', 'path'], { ...env, ...credentials });
      return /: (\S+)$/m.exec(stderr)?.[1];
    };
    expect(await chosen(arnOf('nightly'))).toBe(arnOf('nightly'));
    expect(await chosen(`${arnOf('nightly')} --region x`)).toMatch(/^migrate-\S+$/);
  });
});
