import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { DEFAULT_ROWS } from '../../local/demo/demo.ts';
import { p2pfk, start } from './cli.helpers.ts';
import { conforming } from './json.helpers.ts';

const ROWS = ['--rows', '4000'];

async function connection(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

describe('p2pfk demo', () => {
  it('ends with the success banner and the table, and with --json prints one document', async () => {
    const { code, stdout, stderr } = await p2pfk(['demo', ...ROWS, '--json']);

    expect(code).toBe(0);
    const banner = stderr.indexOf('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
    const table = stderr.indexOf('before: parent-level FK');
    expect(banner).toBeGreaterThan(0);
    expect(table).toBeGreaterThan(banner);
    expect(stderr.slice(table)).toContain('all 17 path partitions');
    expect(stderr.slice(table)).toMatch(/path_p_\w+ only/);
    expect(stderr.trimEnd().split('\n').slice(-4)).toEqual([
      expect.stringMatching(/^✓ Removed: the PostgreSQL server of the demo and its directory/),
      'What to do next:',
      expect.stringContaining('npx p2pfk demo --database'),
      expect.stringContaining('npx p2pfk scan --database-url'),
    ]);
    expect(conforming('demo', stdout)).toMatchObject({
      rows: 4000,
      before: { truncate: { of: 17 }, detach: { possible: false } },
      after: { detach: { possible: true } },
      migration: { status: 'MIGRATED' },
      parentForeignKeyRestored: false,
    });
  });

  it.each([
    ['orphans', /OrphanedRows/],
    ['gate', /GateFailed/],
    ['drop', /✗ \w+: /],
    ['verify', /Restored parent-level FK constraint/],
  ])('--fail %s is rolled back and shows that the parent FK is back, exit 1', async (damage, message) => {
    const { code, stdout } = await p2pfk(['demo', ...ROWS, '--fail', damage]);

    expect(stdout).toMatch(message);
    expect(stdout).toContain('✗✗✗ MIGRATION ROLLED BACK ✗✗✗');
    expect(stdout).toMatch(
      /✓ The parent-level FK is as it was before, character for character: path_medium_hash_ino_fkey FOREIGN KEY/,
    );
    expect(code).toBe(1);
  });

  it('leaves neither server nor directory behind after Ctrl-C', async () => {
    const { child, finished, says } = start(['demo']);
    await says('Started PostgreSQL');

    child.kill('SIGINT');

    const { code, stdout, stderr } = await finished;
    expect(code).toBe(130);
    expect(stderr).toContain('Interrupted: the server is stopped and its directory removed.');
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]);
    await expect(connection(port)).rejects.toThrow('ECONNREFUSED');
  });

  it('refuses fewer rows than pairs', async () => {
    expect(await p2pfk(['demo', '--rows', '3'])).toMatchObject({
      code: 2,
      stderr: 'p2pfk: --rows must be at least 17, one for each pair, not 3\n',
    });
  });

  it('names the default number of rows in its help', async () => {
    expect((await p2pfk(['demo', '--help'])).stdout).toContain(`(default: ${DEFAULT_ROWS})`);
  });
});
