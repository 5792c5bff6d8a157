/** Runs the commands that a page of the documentation shows, and compares what they print with the page. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { cleanEnvironment, MAIN, NODE } from '../cli/cli.helpers.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Shown {
  readonly command: string;
  readonly lines: readonly string[];
}

/** The commands of the page's `console` blocks, and what it shows of their output. */
function shown(page: string): Shown[] {
  const blocks = [...page.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((block) => {
      const [command = '', ...lines] = block.split('\n');
      return { command, lines: lines.slice(0, -1) };
    });
}

/** What differs from run to run: times, ports and the like. */
function masked(line: string): string {
  return line
    .trimEnd()
    .replaceAll(/\d\d:\d\d:\d\d(\.\d+)?/g, '<time>')
    .replaceAll(/\b\d+(\.\d+)? (ms|s)\b/g, '<duration>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '<host>')
    .replaceAll(/PostgreSQL \d+\.\d+/g, 'PostgreSQL <version>');
}

/** The page's lines as one pattern: `...` alone stands for any lines, within a line for any text. */
function patternOf(lines: readonly string[]): RegExp {
  const literal = (part: string) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const parts = lines.map((line) =>
    line === '...' ? '(?:.*\\n)*?' : `${masked(line).split('...').map(literal).join('.*')}\\n`,
  );
  return new RegExp(`^${parts.join('')}$`);
}

/** As a person does in a terminal: stdout and stderr together. `p2pfk` and `npx p2pfk` are what this working tree has. */
async function run(command: string, place: Place): Promise<string> {
  const own = `p2pfk() { '${NODE}' '${MAIN}' "$@"; }; npx() { "$@"; }`;
  const child = spawn('bash', ['-c', `${own}; { ${command}; } 2>&1`], {
    cwd: place.directory ?? ROOT,
    env: cleanEnvironment({ DATABASE_URL: place.databaseUrl, ...place.environment }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (await text(child.stdout)).split('\n').map(masked).join('\n');
}

interface Place {
  readonly databaseUrl: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where the commands write files. */
  readonly directory?: string;
}

/** Runs every command of the page, in its order. @returns how many there are */
export async function followPage(file: string, place: Place): Promise<number> {
  const commands = shown(readFileSync(join(ROOT, file), 'utf8'));
  for (const { command, lines } of commands)
    expect(await run(command, place), `$ ${command}`).toMatch(patternOf(lines));
  return commands.length;
}
