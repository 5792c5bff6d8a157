/** `--on-event`: real programs, what they get, and that nothing they do matters to the migration. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Deliveries } from '../../../cli/hooks/deliveries.ts';
import type { Milestone } from '../../../cli/hooks/milestones.ts';
import { eventProgram, programRun } from '../../../cli/hooks/run-program.ts';
import { databaseWith } from '../../core/case.helpers.ts';
import { stateDirectory } from '../../local/endpoint.helpers.ts';
import { p2pfkHere } from '../here.helpers.ts';

const LONG_MS = 60_000;
const AFFECTED = 'the migration is not affected, and this is reported once';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'p2pfk-on-event-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** A script of the shell in a folder of its own; `$0.out` is a file next to it. */
function script(lines: string): string {
  const path = join(folder(), 'hook.sh');
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o700 });
  return path;
}

function milestone(type: Milestone['type'], table = 'public.path'): Milestone {
  return {
    type,
    timestamp: '2026-11-28T12:00:00.000Z',
    data: {
      severity: 'warning',
      text: 'news',
      operation: 'migrate',
      table,
      constraint: null,
      database: null,
      server: null,
      migrationId: '7',
      executionArn: 'arn:execution',
      pairs: null,
      resumed: false,
      reason: null,
      error: null,
    },
  };
}

function deliveriesTo(program: string, runMs = LONG_MS) {
  const warnings: string[] = [];
  const deliveries = new Deliveries({
    name: '--on-event',
    deliver: programRun(program, runMs),
    warn: (line) => warnings.push(line),
    inOrder: true,
  });
  const add = (type: Milestone['type'], table?: string): string => {
    const news = milestone(type, table);
    const body = JSON.stringify(news);
    deliveries.add({ milestone: news, body });
    return body;
  };
  return { deliveries, warnings, add };
}

describe('a program', () => {
  it('gets the document, and of the environment nothing that could be a secret', async () => {
    for (const name of [
      'PGPASSWORD',
      'DATABASE_URL',
      'P2PFK_NOTIFY_SECRET',
      'P2PFK_NOTIFY_URL',
      'AWS_SECRET_ACCESS_KEY',
      'MY_TOKEN',
    ])
      vi.stubEnv(name, 'hunter2hunter2');
    onTestFinished(() => void vi.unstubAllEnvs());
    const program = script('cat > "$0.out"; env > "$0.env"');
    const { deliveries, warnings, add } = deliveriesTo(program);

    const body = add('migration.approval_wanted');
    await deliveries.close(LONG_MS);

    expect(readFileSync(`${program}.out`, 'utf8')).toBe(`${body}\n`);
    const env = readFileSync(`${program}.env`, 'utf8');
    expect(env).not.toContain('hunter2');
    expect(env.match(/^P2PFK_.*$/gm)?.sort()).toEqual([
      'P2PFK_EVENT=migration.approval_wanted',
      'P2PFK_EXECUTION_ARN=arn:execution',
      'P2PFK_MIGRATION_ID=7',
      'P2PFK_SEVERITY=warning',
      'P2PFK_TABLE=public.path',
    ]);
    expect(env).toContain('PATH=');
    expect(warnings).toEqual([]);
  });

  it('gets no password of ours as the name of a table either', async () => {
    vi.stubEnv('PGPASSWORD', 'Zq7-secretPW.99');
    onTestFinished(() => void vi.unstubAllEnvs());
    const program = script('env > "$0.env"');
    const { deliveries, add } = deliveriesTo(program);

    add('migration.started', '"Zq7-secretPW.99"');
    await deliveries.close(LONG_MS);

    const env = readFileSync(`${program}.env`, 'utf8');
    expect(env).toMatch(/^P2PFK_TABLE=\(what was to be printed here holds a password/m);
    expect(env).not.toContain('Zq7');
  });

  it('is no URL, and a URL that is typed in its place is not printed', async () => {
    const { code, stderr } = await p2pfkHere(
      ['migrate', '-t', 'path', '--on-event', 'https://hooks.example.com/T0K3N'],
      {
        PGPORT: '1',
      },
    );

    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^p2pfk: --on-event must be [^\n]+\n$/),
    });
    expect(stderr).not.toContain('T0K3N');
  });

  it('is started without a shell, whatever a table is called', async () => {
    const program = script('printf "%s %s" "$#" "$P2PFK_TABLE" > "$0.out"');
    const planted = join(folder(), 'planted');
    const { deliveries, warnings, add } = deliveriesTo(program);

    add('migration.started', `"; touch ${planted}; $(touch ${planted})"`);
    await deliveries.close(LONG_MS);

    expect(readFileSync(`${program}.out`, 'utf8')).toBe(`0 "; touch ${planted}; $(touch ${planted})"`);
    expect(existsSync(planted)).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('runs for one event after the other, in their order', async () => {
    const program = script('echo "$P2PFK_EVENT begin" >> "$0.out"; cat > /dev/null; echo end >> "$0.out"');
    const { deliveries, add } = deliveriesTo(program);

    for (const type of ['migration.started', 'migration.held', 'migration.finished'] as const) add(type);
    await deliveries.close(LONG_MS);

    expect(readFileSync(`${program}.out`, 'utf8').split('\n')).toEqual([
      'migration.started begin',
      'end',
      'migration.held begin',
      'end',
      'migration.finished begin',
      'end',
      '',
    ]);
  });

  it('that fails is one warning with what it complained about', async () => {
    const program = script('echo "no such mailbox, password=hunter2hunter2" >&2; exit 3');
    const { deliveries, warnings, add } = deliveriesTo(program);

    add('migration.started');
    add('migration.finished');
    await deliveries.close(LONG_MS);

    expect(warnings).toEqual([`--on-event: it ended with exit code 3: no such mailbox, password=***; ${AFFECTED}`]);
  });

  it('that reads nothing of its input has not failed', async () => {
    const { deliveries, warnings, add } = deliveriesTo(script('exec 0<&-; exit 0'));

    add('migration.started');
    await deliveries.close(LONG_MS);

    expect(warnings).toEqual([]);
  });

  it('that does not end is killed with all that it has started', async () => {
    const program = script('sleep 3600 & echo $! > "$0.pid.new"; mv "$0.pid.new" "$0.pid"; wait');
    const { deliveries, warnings, add } = deliveriesTo(program);

    add('migration.started');
    await expect.poll(() => existsSync(`${program}.pid`), { timeout: LONG_MS }).toBe(true);
    await deliveries.close(1);

    expect(warnings).toEqual([`--on-event: it did not end in time, and was killed; ${AFFECTED}`]);
    const sleeper = Number(readFileSync(`${program}.pid`, 'utf8'));
    await expect.poll(() => isAlive(sleeper), { timeout: LONG_MS }).toBe(false);
  });

  it('has its own limit of time, too', async () => {
    const { deliveries, warnings, add } = deliveriesTo(script('sleep 3600'), 200);

    add('migration.started');
    await expect
      .poll(() => warnings, { timeout: LONG_MS })
      .toEqual([`--on-event: it did not end in time, and was killed; ${AFFECTED}`]);
    await deliveries.close(LONG_MS);
  });

  it('that another user could have written is refused, also where that came later', async () => {
    const program = script('touch "$0.out"');
    expect(eventProgram(program)).toBe(program);
    chmodSync(program, 0o777);
    expect(() => eventProgram(program)).toThrow(
      /^--on-event .* cannot be run: of .*hook\.sh: it may be written by every user/,
    );
    const { deliveries, warnings, add } = deliveriesTo(program);

    add('migration.started');
    await deliveries.close(LONG_MS);

    expect(warnings).toEqual([expect.stringMatching(/^--on-event: it cannot be run any more: of .*every user/)]);
    expect(existsSync(`${program}.out`)).toBe(false);
  });
});

/** A process that was killed is a zombie until its parent has asked for its end. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('before anything begins', () => {
  it('what is no program is refused in one line', async () => {
    const text = script('true');
    chmodSync(text, 0o600);
    for (const [given, expected] of [
      ['/nowhere/hook.sh', 'there is no such file'],
      [`${script('true')} --quiet`, 'without arguments'],
      [folder(), 'it is no file'],
      // Root may execute nothing that has no x either.
      [text, 'it may not be executed: chmod u+x'],
    ] as const) {
      const { code, stdout, stderr } = await p2pfkHere(['migrate', '-t', 'path', '--on-event', given], { PGPORT: '1' });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^p2pfk: --on-event [^\n]+\n$/);
      expect(stderr).toContain(expected);
    }
  });
});

it('a migration runs it, and migrates also where it fails', async () => {
  const { db } = await databaseWith();
  const program = script('cat >> "$0.out"; exit 1');
  const env = { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDirectory() };

  const { code, stdout, stderr } = await p2pfkHere(
    ['migrate', '-t', 'path', '--accept', 'all', '--on-event', program, '--json', '--quiet'],
    env,
  );

  expect({ code, status: JSON.parse(stdout).status }).toEqual({ code: 0, status: 'MIGRATED' });
  expect(stderr).toBe(`! --on-event: it ended with exit code 1; ${AFFECTED}\n`);
  const types = readFileSync(`${program}.out`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).type);
  expect(types).toEqual(['migration.started', 'migration.finished']);
});
