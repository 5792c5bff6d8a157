/** Progress on a terminal, at the widths that people have. */
import { styleText } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { holdLock } from '../support/observe.ts';
import { HAS_TERMINALS, type OnTerminal, onTerminal } from './terminal.helpers.ts';

const until = (terminal: OnTerminal, pattern: RegExp) =>
  expect.poll(async () => (await terminal.screen()).join('\n'), { timeout: 60_000 }).toMatch(pattern);

/** A writer's transaction on the referenced side of the largest pair: its foreign key cannot be added until it ends. */
async function heldUp() {
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  const writer = await db.client();
  const { rows } = await writer.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const lock = await holdLock(writer, 'LOCK TABLE public.inode_p_bb226d2a IN ROW EXCLUSIVE MODE');
  return { env: { DATABASE_URL: db.url }, lock, pid: rows[0]?.pid };
}

describe.skipIf(!HAS_TERMINALS)('on a terminal', () => {
  it.each([80, 200])(
    'of %i columns the steps, the pair that waits and who holds its lock are seen',
    async (columns) => {
      const { env, lock, pid } = await heldUp();
      const terminal = onTerminal(['migrate', '-t', 'path', '--yes', '--lock-timeout-ms', '300', '--no-color'], env, {
        columns,
        rows: 40,
      });

      await until(terminal, / 16\/17 [\s\S]*↻ try \d+ of 40/);

      const live = (await terminal.screen()).filter((line) => /^ {2,}[✓▸ ]/.test(line));
      expect(live.find((line) => line.includes('Indexes'))).toMatch(/^ {2}✓ Indexes +17\/17 +\d\d:\d\d:\d\d$/);
      expect(live.find((line) => line.includes('▸'))).toMatch(
        /^ {2}▸ Foreign keys +█+░* 16\/17 \d\d:\d\d:\d\d {2}\S+ k of 2\.0 k rows/,
      );
      // The reason may take several lines.
      expect(live.map((line) => line.trim()).join(' ')).toMatch(
        new RegExp(`path_p_bb226d2a +\\S+ rows \\d\\d:\\d\\d:\\d\\d\\s+↻ try \\d+ of 40.*: .*pid ${pid}`),
      );
      expect(live.slice(-4).map((line) => line.trim())).toEqual([
        'Validation',
        'Preflight check',
        'Drop of parent FK',
        'Verification',
      ]);

      await lock.release();
      expect(await terminal.finished).toBe(0);
      const all = await terminal.screen('all');
      // What was drawn on the way is gone; the lines that tell the story are not.
      expect(all.join('\n')).not.toMatch(/[▸░]/);
      expect(all.filter((line) => line.includes('✓ Validated FK for'))).toHaveLength(17);
      expect(all).toContain('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
    },
  );

  it('that is made narrower and wider nothing is left behind, and no printed line is lost', async () => {
    const { env, lock } = await heldUp();
    const terminal = onTerminal(['migrate', '-t', 'path', '--yes', '--lock-timeout-ms', '300'], env, {
      columns: 130,
      rows: 40,
    });
    await until(terminal, / 16\/17 [\s\S]*↻ try \d+ of 40/);
    const added = async () =>
      (await terminal.screen('all')).filter((line) => line.includes('✓ Added NOT VALID')).length;
    expect(await added()).toBe(16);

    for (const columns of [60, 100, 45]) {
      await terminal.resize(columns, 40);
      const before = terminal.raw().length;
      await expect.poll(() => terminal.raw().slice(before), { timeout: 30_000 }).toContain('Verification');
      const screen = await terminal.screen();
      expect(screen.filter((line) => line.includes('▸ Foreign keys'))).toHaveLength(1);
      expect(screen.filter((line) => line.trim() === 'Verification')).toHaveLength(1);
      expect(await added()).toBe(16);
    }
    expect(terminal.raw()).toContain(styleText('green', '✓', { validateStream: false }));

    terminal.interrupt();
    expect(await terminal.finished).toBe(130);
    expect((await terminal.screen('all')).join('\n')).not.toMatch(/[▸░]/);
    await lock.release();
  });
});
