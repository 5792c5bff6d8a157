/** `--json`, `--json-lines` and `--quiet`, over all commands. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../cli/program.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { p2pfkHere } from './here.helpers.ts';

const commands = createProgram(() => undefined).commands.filter((command) =>
  command.options.some(({ long }) => long === '--json'),
);
const names = commands.map((command) => command.name());
const NOWHERE = ['-d', 'postgres://127.0.0.1:1/x'];
const T = ['-t', 'path'];

it('every command has --json and --quiet, but those that print nothing else', () => {
  const without = createProgram(() => undefined).commands.filter((command) => !names.includes(command.name()));
  expect(without.map((command) => command.name())).toEqual(['completion']);
  for (const command of commands) expect(command.options.map(({ long }) => long)).toContain('--quiet');
});

describe.each(names)('p2pfk %s --json', (name) => {
  const document = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await p2pfkHere([name, ...args, '--json']);
    expect(stderr).toMatch(/^p2pfk: /);
    const parsed = JSON.parse(stdout) as {
      error: { name: string; message: string; exitCode?: number };
      status?: string;
    };
    // Of migrate and rollback the document that they always have.
    if (name === 'migrate' || name === 'rollback') expect(parsed.status).toBe('REFUSED');
    else expect(parsed.error.exitCode).toBe(code);
    return { code, error: parsed.error };
  };

  it('prints bad usage as one document', async () => {
    const { code, error } = await document(['--nonsense']);

    expect({ code, name: error.name }).toEqual({ code: 2, name: 'InvalidInput' });
    expect(error.message).toMatch(/; see p2pfk \w+ --help$/);
  });

  const failing: Readonly<Record<string, readonly string[]>> = {
    demo: ['--rows', '1'],
    scan: NOWHERE,
    plan: [...T, ...NOWHERE],
    migrate: [...T, ...NOWHERE],
    rollback: [...T, ...NOWHERE],
    approve: [...T, ...NOWHERE],
    verify: [...T, ...NOWHERE],
    list: NOWHERE,
    status: [...T, ...NOWHERE],
    throttle: ['--max-concurrency', '1', ...NOWHERE],
    hold: ['--reason', 'load', ...NOWHERE],
    resume: NOWHERE,
    provision: [...T, ...NOWHERE, '-b', "FOR VALUES IN ('a')"],
    audit: NOWHERE,
    doctor: ['-d', 'mysql://x/y'],
    start: [...T, '-s', 'mine'],
    schedule: [...T, '-s', 'mine'],
    watch: ['-e', 'mine'],
    stop: ['-e', 'mine'],
    history: ['-e', 'mine'],
    report: ['-e', 'mine'],
    serve: ['--port', '99999'],
  };

  it('prints an error as one document, with the name and the exit code', async () => {
    expect(failing[name], `how ${name} fails`).toBeDefined();
    const { code, error } = await document(failing[name] ?? []);

    expect(code).toBe(2);
    expect(error.name).toMatch(/^(InvalidInput|ConnectionLost)$/);
    expect(error.message).not.toContain('\n');
  });
});

describe('with a database', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createDatabase('empty');
    const client = await db.client();
    await client.query(`
      CREATE TABLE inode (k int PRIMARY KEY) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path (k int CONSTRAINT path_fk REFERENCES inode) PARTITION BY LIST (k);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);`);
  });
  afterAll(() => db.drop());

  it('an error names the tables that may have been meant', async () => {
    const { stdout } = await p2pfkHere(['plan', '-t', 'paht', '--json'], { DATABASE_URL: db.url });

    expect(JSON.parse(stdout)).toEqual({
      error: {
        name: 'InvalidInput',
        message: expect.stringContaining('paht does not exist'),
        exitCode: 2,
        choices: [{ table: 'public.path' }],
      },
    });
  });

  it('p2pfk plan --quiet prints whether a migration can run, and what is in its way', async () => {
    const { code, stdout } = await p2pfkHere(['plan', '-t', 'path', '--quiet'], { DATABASE_URL: db.url });

    expect(code).toBe(0);
    expect(stdout).not.toContain('largest first');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('✓ Ready: p2pfk migrate --table path');
  });

  it('p2pfk migrate --json-lines prints each event as it happens, then the result, and provision --quiet one line', async () => {
    const { code, stdout, stderr } = await p2pfkHere(['migrate', '-t', 'path', '--json-lines', '--quiet'], {
      DATABASE_URL: db.url,
    });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines[0]).toEqual({
      type: 'ExecutionStarted',
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      executionArn: expect.stringMatching(/^arn:aws:states:local:/),
    });
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'TaskSucceeded', state: 'ValidateForeignKey', pair: 1, attempt: 1 }),
    );
    expect(lines.at(-1)).toMatchObject({ type: 'Result', result: { status: 'MIGRATED', error: null } });

    const { stdout: made } = await p2pfkHere(
      ['provision', '-t', 'path', '-b', 'FOR VALUES IN (2)', '--name-suffix', '2', '--quiet'],
      { DATABASE_URL: db.url },
    );
    expect(made).toBe('✓ Created: public.path_2 → public.inode_2\n');
  });

  it('--json-lines ends with the result where nothing could begin, and does not go with --json', async () => {
    const { code, stdout } = await p2pfkHere(['migrate', ...T, ...NOWHERE, '--json-lines']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'Result', result: { status: 'REFUSED' } });

    const both = await p2pfkHere(['migrate', ...T, '--json', '--json-lines']);
    expect(both.code).toBe(2);
    expect(both.stderr).toMatch(/--json-lines.* cannot be used with option '--json'/);
  });
});
