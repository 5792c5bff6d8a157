/** Every command of docs/tutorial.md, in its order, prints what the page says. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cleanEnvironment, MAIN, NODE, start } from '../cli/cli.helpers.ts';
import { hasPsql } from '../psql/psql.helpers.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/tutorial.md'), 'utf8');

interface Shown {
  readonly command: string;
  readonly lines: readonly string[];
}

/** The commands of the page's `console` blocks, and what it shows of their output. */
function shown(): Shown[] {
  const blocks = [...PAGE.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
  return blocks
    .flatMap((text) => text.split(/^\$ /m).slice(1))
    .map((text) => {
      const [command = '', ...lines] = text.split('\n');
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

/** The page's lines as one pattern: `...` alone stands for any lines, at the end of a line for the rest of it. */
function patternOf(lines: readonly string[]): RegExp {
  const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const parts = lines.map((line) => {
    if (line === '...') return '(?:.*\\n)*?';
    const rest = line.endsWith(' ...');
    return `${literal(masked(rest ? line.slice(0, -4) : line))}${rest ? '.*' : ''}\\n`;
  });
  return new RegExp(`^${parts.join('')}$`);
}

/** As a person does in a terminal: stdout and stderr together. `npx p2pfk` is what this working tree has. */
function run(command: string, databaseUrl: string): string {
  const own = command.replace(/^npx p2pfk /, `'${NODE}' '${MAIN}' `);
  const { stdout } = spawnSync('bash', ['-c', `{ ${own}; } 2>&1`], {
    cwd: ROOT,
    env: cleanEnvironment({ DATABASE_URL: databaseUrl }),
    encoding: 'utf8',
  });
  return stdout.split('\n').map(masked).join('\n');
}

it.runIf(hasPsql)(
  'does in each step of the tutorial what the page says',
  async () => {
    const { child, finished, says, output } = start(['demo', '--database', '--rows', '40000']);
    onTestFinished(async () => {
      child.kill('SIGINT');
      expect((await finished).code).toBe(0);
    });
    await says('export DATABASE_URL=');
    await says('p2pfk plan --table path');
    const url = /export DATABASE_URL=(\S+)/.exec(output())?.[1] ?? '';
    const commands = shown();
    expect(commands.length).toBeGreaterThan(7);
    for (const { command, lines } of commands) expect(run(command, url), `$ ${command}`).toMatch(patternOf(lines));
  },
  300_000,
);
