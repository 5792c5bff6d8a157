/** `p2pfk status`: one migration as the ledger knows it, on a real server, with executions in other processes. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseWith, type TestCase } from '../core/case.helpers.ts';
import { plainRole } from '../core/roles.helpers.ts';
import { stateDirectory } from '../local/endpoint.helpers.ts';
import { waitUntil } from '../support/observe.ts';
import { start } from './cli.helpers.ts';
import { p2pfkHere } from './here.helpers.ts';

interface Place {
  readonly DATABASE_URL: string;
  readonly P2PFK_STATE_DIR: string;
}

async function caseWith(): Promise<TestCase & { readonly env: Place & Record<string, string> }> {
  const found = await databaseWith();
  return { ...found, env: { DATABASE_URL: found.db.url, P2PFK_STATE_DIR: stateDirectory() } };
}

async function statusJson(env: Readonly<Record<string, string>>, ...more: string[]) {
  const { code, stdout, stderr } = await p2pfkHere(['status', '--table', 'path', '--json', ...more], env);
  return { code, stderr, document: JSON.parse(stdout) };
}

function exit({ code, stdout, stderr }: Awaited<ReturnType<typeof p2pfkHere>>) {
  return { code, stdout, stderr };
}

describe('p2pfk status', () => {
  it('says that a table has never been migrated, where there is no ledger and where there is one, and exits 4', async () => {
    const { env, observer } = await caseWith();
    expect(exit(await p2pfkHere(['status', '-t', 'path'], env))).toEqual({
      code: 4,
      stdout: '',
      stderr: 'p2pfk: public.path has never been migrated: this database has no ledger of p2pfk\n',
    });
    expect(await statusJson(env)).toMatchObject({
      code: 4,
      document: { state: 'never-migrated', migration: null, next: [], error: { name: 'NotMigrated', exitCode: 4 } },
    });
    await observer.query('CREATE TABLE other (LIKE path) PARTITION BY LIST (medium)');
    await p2pfkHere(['migrate', '-t', 'path', '--rehearse', '--quiet'], env);
    const other = await p2pfkHere(['status', '-t', 'other'], env);
    expect(exit(other)).toEqual({
      code: 4,
      stdout: '',
      stderr: 'p2pfk: public.other has never been migrated: the ledger of this database knows nothing of it\n',
    });
    const partition = await p2pfkHere(['status', '-t', 'path_1'], env);
    expect(exit(partition)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('name the table that it belongs to'),
    });
    const missing = await p2pfkHere(['status', '-t', 'paht'], env);
    expect(exit(missing)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^p2pfk: table paht does not exist/),
    });
    const constraint = await p2pfkHere(['status', '-t', 'path', '--constraint', 'nope'], env);
    expect(exit(constraint)).toMatchObject({
      code: 2,
      stderr: 'p2pfk: table public.path has no foreign key nope: there is path_fk\n',
    });
  });

  it('tells an execution that lives from one that is dead, and what comes next, to a role that can only read', async () => {
    const found = await caseWith();
    const { env, observer, db } = found;
    const migration = start(
      [
        'migrate',
        '-t',
        'path',
        '--approval',
        'manual',
        '--approval-timeout',
        '2h',
        '--by',
        'ana',
        '--reason',
        'CHG-1',
        '--keep-indexes',
      ],
      env,
    );
    onTestFinished(async () => {
      migration.child.kill('SIGKILL');
      await migration.finished;
    });
    await migration.says('Waiting for approval');
    const { role, url } = await plainRole(found);
    await observer.query(
      `GRANT USAGE ON SCHEMA p2pfk TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA p2pfk TO ${role}`,
    );
    const reader = { ...env, DATABASE_URL: url };

    for (const each of [env, reader]) {
      const { code, document } = await statusJson(each);
      expect(code).toBe(0);
      expect(document).toMatchObject({
        table: 'public.path',
        constraint: 'path_fk',
        state: 'running',
        isHere: true,
        migration: {
          id: '1',
          startedBy: 'ana',
          reason: 'CHG-1',
          dropped: false,
          pairs: { total: 3, byState: { validated: 3 } },
          owner: { place: 'local', life: 'alive', sessions: [expect.any(Number)] },
          approval: { state: 'awaited', askedAt: expect.any(String), until: expect.any(String) },
        },
        next: [{ why: 'it waits for this', command: 'p2pfk approve --table path' }],
      });
      const { askedAt, until } = document.migration.approval;
      expect(Date.parse(until) - Date.parse(askedAt)).toBe(7_200_000);
      expect(document.pairs).toHaveLength(3);
    }
    const elsewhere = await statusJson({ ...env, P2PFK_STATE_DIR: stateDirectory() });
    expect(elsewhere.document).toMatchObject({ isHere: false, next: [{ command: 'p2pfk approve --table path' }] });
    const text = (await p2pfkHere(['status', '-t', 'path'], env)).stdout;
    expect(text).toMatch(/^State +running since \S+Z$/m);
    expect(text).toMatch(/^Migration +1, started at \S+Z by ana \(as stated, not verified\), role \S+: CHG-1$/m);
    expect(text).toMatch(
      /^Execution +migrate-path-\S+, alive on this machine, its session since \S+Z, as \S+ from \S+$/m,
    );
    expect(text).toMatch(/^Approval +awaited since \S+Z, until \S+Z; then the execution pauses$/m);
    expect(text).toMatch(/^Pairs +3: 3 validated$/m);

    migration.child.kill('SIGKILL');
    await migration.finished;
    await waitUntil(
      async () => (await statusJson(reader)).document.migration.owner.life === 'dead',
      'it counts as dead',
    );
    const dead = await statusJson(reader);
    // As it was started: without its options the drop would need no approval.
    expect(dead.document.next).toEqual([
      {
        why: 'its execution is dead; this takes over and does what is left',
        command: 'p2pfk migrate --table path --approval manual --keep-indexes',
      },
    ]);

    const own = `postgres://postgres:secret-of-postgres@127.0.0.1:${new URL(db.url).port}/${db.name}`;
    const typed = await p2pfkHere(['status', '-t', 'path', '-d', own, '--json'], {
      P2PFK_STATE_DIR: env.P2PFK_STATE_DIR,
    });
    expect(typed.stdout + typed.stderr).not.toContain('secret-of-postgres');
  });

  it('shows a migration that is paused, migrated and rolled back, each with the command that comes next', async () => {
    const { env, observer } = await caseWith();
    await p2pfkHere(['migrate', '-t', 'path', '--rehearse', '--quiet', '--no-indexes', '--by', 'ana'], env);
    const paused = await statusJson(env);
    expect(paused.document).toMatchObject({
      state: 'paused',
      migration: { owner: null, approval: null, error: { name: 'Rehearsed' } },
      next: [{ command: 'p2pfk migrate --table path --no-indexes' }, { command: 'p2pfk rollback --table path' }],
    });
    const text = (await p2pfkHere(['status', '-t', 'path'], env)).stdout;
    expect(text).toMatch(/^State +paused since \S+; Rehearsed: /m);
    expect(text).toMatch(/^Execution +none is at work; the last one was migrate-/m);

    await p2pfkHere(['migrate', '-t', 'path', '--quiet', '--no-indexes'], env);
    const migrated = await statusJson(env, '--constraint', 'path_fk');
    expect(migrated.document).toMatchObject({
      state: 'migrated',
      migration: { dropped: true, pairs: { total: 3, byState: { validated: 3 } } },
      next: [{ command: 'p2pfk verify --table path --constraint path_fk' }],
    });
    // A name as SQL writes it goes through a shell as one word.
    await observer.query('ALTER TABLE path RENAME TO "it\'s $(echo pwned)"');
    const renamed = await p2pfkHere(['status', '-t', '"it\'s $(echo pwned)"', '--json'], env);
    expect(JSON.parse(renamed.stdout)).toMatchObject({
      table: `public."it's $(echo pwned)"`,
      next: [{ command: `p2pfk verify --table '"it'\\''s $(echo pwned)"'` }],
    });
    await observer.query('ALTER TABLE "it\'s $(echo pwned)" RENAME TO path');

    await p2pfkHere(['rollback', '-t', 'path', '--quiet'], env);
    expect((await statusJson(env)).document).toMatchObject({
      state: 'rolled-back',
      next: [{ command: 'p2pfk plan --table path' }],
    });
  });

  it('refuses a ledger that is not trusted, and one that this role may not read, with exit 4', async () => {
    const found = await caseWith();
    const { env, observer } = found;
    await p2pfkHere(['migrate', '-t', 'path', '--rehearse', '--quiet'], env);
    const { role, url } = await plainRole(found);
    const unread = await p2pfkHere(['status', '-t', 'path'], { ...env, DATABASE_URL: url });
    expect(exit(unread)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^p2pfk: this role may not read the ledger/),
    });
    await observer.query(`ALTER SCHEMA p2pfk OWNER TO ${role}`);
    const untrusted = await p2pfkHere(['status', '-t', 'path'], env);
    expect(exit(untrusted)).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/^p2pfk: .*ledger.*cannot be trusted/),
    });
  });
});
