/**
 * `npm run picture:terminal`: docs/images/migrate.svg, a `p2pfk migrate` as a person sees it on a terminal. It runs the real
 * command on the demo's database, so it needs a quiet machine and `script` of util-linux. The picture moves by CSS alone: no script runs in it,
 * and a reader who wants no motion sees its last frame.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import xterm from '@xterm/headless';
import { projectRoot } from './bundle.ts';
import { type Frame, type Line, pictureOf, type Run } from './terminal-svg.ts';

const PICTURE = join(projectRoot, 'docs/images/migrate.svg');
const COLUMNS = 116;
const LINES = 40;
const ROWS = '1500000';
const EVERY_MS = 120;

const MAIN = join(projectRoot, 'bin/p2pfk.js');
const COMMAND = ['migrate', '--table', 'path', '--yes', '--accept', 'row-movement'] as const;

/** The demo's server, and its URL. The caller stops it. */
async function startDatabase() {
  const demo = spawn(process.execPath, [MAIN, 'demo', '--database', '--rows', ROWS], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: demo.stdout })) {
    const [, url] = /^\s*export DATABASE_URL=(\S+)/.exec(line) ?? [];
    if (url !== undefined) return { demo, url: url.replace(/^'|'$/g, '') };
  }
  throw new Error('the demo has printed no DATABASE_URL');
}

async function record(databaseUrl: string): Promise<Frame[]> {
  const words = [process.execPath, MAIN, ...COMMAND].map((word) => `'${word}'`).join(' ');
  const child = spawn(
    'script',
    ['--quiet', '--return', '--flush', '--command', `stty cols ${COLUMNS} rows ${LINES}; ${words}`, '/dev/null'],
    { env: { ...process.env, DATABASE_URL: databaseUrl, TERM: 'xterm-256color', COLORTERM: '' } },
  );
  const terminal = new xterm.Terminal({ cols: COLUMNS, rows: LINES, scrollback: 10_000, allowProposedApi: true });
  child.stdout.setEncoding('utf8').on('data', (text: string) => terminal.write(text));
  const ended = once(child, 'close');
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const beganAt = performance.now();
  const frames: Frame[] = [];
  for (let last = false; !last; ) {
    last = isOver;
    await new Promise<void>((resolve) => terminal.write('', resolve));
    frames.push({ atMs: performance.now() - beganAt, lines: linesOf(terminal) });
    await delay(EVERY_MS);
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`p2pfk migrate has ended with exit code ${code}`);
  terminal.dispose();
  return frames;
}

/** What the screen shows, in runs of one colour. */
function linesOf({ buffer: { active } }: InstanceType<typeof xterm.Terminal>): Line[] {
  return Array.from({ length: LINES }, (_, row) => {
    const line = active.getLine(active.baseY + row);
    const runs: Run[] = [];
    for (let column = 0; column < COLUMNS; column++) {
      const cell = line?.getCell(column);
      if (!cell || cell.getWidth() === 0) continue;
      const text = cell.getChars() || ' ';
      const style = {
        color: cell.isFgPalette() ? cell.getFgColor() : null,
        bold: cell.isBold() !== 0,
        dim: cell.isDim() !== 0,
      };
      const before = runs.at(-1);
      if (before && before.color === style.color && before.bold === style.bold && before.dim === style.dim)
        runs[runs.length - 1] = { ...before, text: before.text + text };
      else runs.push({ column, text, ...style });
    }
    return runs;
  });
}

const { demo, url } = await startDatabase();
try {
  const frames = await record(url);
  const svg = pictureOf(frames, { columns: COLUMNS, lines: LINES, title: `$ p2pfk ${COMMAND.slice(0, 3).join(' ')}` });
  await writeFile(PICTURE, svg);
  console.log(`${PICTURE}: ${frames.length} looks, ${Math.round(svg.length / 1024)} KB`);
} finally {
  demo.kill('SIGINT');
  await once(demo, 'close');
}
