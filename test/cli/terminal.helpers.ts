/**
 * The command line on a real pseudo-terminal, seen through a terminal emulator: what a person sees, not what was sent.
 * `script` of util-linux opens the terminal; it belongs to every Linux.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import xterm from '@xterm/headless';
import { onTestFinished } from 'vitest';
import { cleanEnvironment, MAIN, NODE } from './cli.helpers.ts';

export const HAS_TERMINALS = hasScript();

function hasScript(): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
}

export interface OnTerminal {
  /** The lines on the screen, and with `all` those that have scrolled off it; without trailing blanks. */
  screen(all?: 'all'): Promise<readonly string[]>;
  /** Everything that was sent, escapes and all. */
  raw(): string;
  resize(columns: number, rows: number): Promise<void>;
  interrupt(): void;
  /** Types a line and Enter. */
  type(line: string): void;
  readonly finished: Promise<number | null>;
}

export function onTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  size: { readonly columns: number; readonly rows: number },
): OnTerminal {
  const { columns, rows } = size;
  const directory = mkdtempSync(join(tmpdir(), 'p2pfk-terminal-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const about = join(directory, 'about');
  const quoted = [NODE, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  // The shell stays, so that a process that is stopped does not stop `script`; Ctrl-C is not for it.
  const command = `trap : INT; stty cols ${columns} rows ${rows}; sh -c 'echo $$ $(tty) > "${about}"; exec "$@"' - ${quoted}; exit $?`;
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    env: { ...cleanEnvironment(env), TERM: 'xterm-256color' },
  });
  const terminal = new xterm.Terminal({ cols: columns, rows, scrollback: 10_000, allowProposedApi: true });
  let raw = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
    terminal.write(text);
  });
  const finished = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill();
    await finished;
    terminal.dispose();
  });
  return {
    raw: () => raw,
    finished,
    // As the key does: the terminal makes a signal of it.
    interrupt: () => void child.stdin.write('\x03'),
    type: (line) => void child.stdin.write(`${line}\r`),
    async screen(all) {
      await new Promise<void>((resolve) => terminal.write('', resolve));
      const buffer = terminal.buffer.active;
      const from = all === 'all' ? 0 : buffer.baseY;
      const lines = Array.from({ length: buffer.length - from }, (_, index) =>
        (buffer.getLine(from + index)?.translateToString(true) ?? '').trimEnd(),
      );
      while (lines.at(-1) === '') lines.pop();
      return lines;
    },
    async resize(nextColumns, nextRows) {
      const [pid, tty = ''] = readFileSync(about, 'utf8').trim().split(' ');
      // The emulator and the kernel cannot be told at the same moment: meanwhile nothing may be drawn.
      // Between two frames: the last one is out, and the next one is not begun.
      for (let before = raw.length; before === raw.length; ) await delay(5);
      for (let before = -1; before !== raw.length; await delay(30)) before = raw.length;
      process.kill(Number(pid), 'SIGSTOP');
      while (!readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') T ')) await delay(5);
      // What was drawn before comes out before this, which sets the title and is not seen.
      const mark = `\x1b]0;resize to ${nextColumns}\x07`;
      await writeFile(tty, mark);
      while (!raw.includes(mark)) await delay(5);
      await new Promise<void>((resolve) => terminal.write('', resolve));
      terminal.resize(nextColumns, nextRows);
      await promisify(execFile)('stty', ['-F', tty, 'cols', String(nextColumns), 'rows', String(nextRows)]);
      process.kill(Number(pid), 'SIGCONT');
    },
  };
}
