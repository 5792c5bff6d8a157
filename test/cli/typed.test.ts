/** A connection string that was typed into the wrong option, of any command: it is neither printed nor kept. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { executionInputOf } from '../../cli/input.ts';
import { createProgram, run } from '../../cli/program.ts';
import { CONNECTIONS } from '../../cli/typed.ts';
import { ExecutionInputKeys } from '../../core/contracts/execution-input.ts';

const TYPED = [
  'postgres://app:hunter2hunter2@db/orders',
  'host=db dbname=orders password=hunter2hunter2',
  'postgres://app:my hunter2hunter2@db/orders',
  "host=db password='my hunter2hunter2' dbname=orders",
  'host=db password=my\\ hunter2hunter2',
];

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}
const commands = all(createProgram(() => undefined)).filter((command) => command.parent !== null);

const takesText = (option: Option): boolean => option.required || option.optional;

/** The option in question, and those without which commander asks for them. */
function lineOf(command: Command, option: Option, text: string): string[] {
  const others = command.options.filter(
    (one) => one !== option && takesText(one) && (one.mandatory || one.attributeName() === 'table'),
  );
  const textFor = (one: Option): string => (one.attributeName() === 'maxConcurrency' ? '1' : 'x');
  return [command.name(), ...others.flatMap((one) => [one.long ?? '', textFor(one)]), `${option.long}=${text}`];
}

const cases = commands.flatMap((command) =>
  command.options
    .filter((option) => takesText(option) && !CONNECTIONS.has(option.attributeName()))
    .map((option, index) => {
      const text = TYPED[index % TYPED.length] ?? '';
      return { name: `${command.name()} ${option.long}`, long: option.long ?? '', line: lineOf(command, option, text) };
    }),
);

let folder = '';
let printed = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pfk-typed-'));
  printed = '';
  const write = (text: string | Uint8Array): boolean => {
    printed += String(text);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(write);
  vi.spyOn(process.stderr, 'write').mockImplementation(write);
  vi.stubEnv('P2PFK_STATE_DIR', folder);
  vi.stubEnv('DATABASE_URL', 'postgres://127.0.0.1:1/nowhere');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('there are commands and options to try', () => {
  expect(commands.length).toBeGreaterThan(12);
  expect(cases.length).toBeGreaterThan(100);
  // An argument without an option is one of a few words, or nothing.
  const operands = commands.flatMap(({ registeredArguments }) => registeredArguments);
  expect(operands.filter(({ argChoices }) => argChoices === undefined)).toEqual([]);
});

describe('a connection string', () => {
  it.each(cases)('as $name is refused before the command begins, and not printed', async ({ line, long }) => {
    expect(await run(line)).toBe(2);
    expect(printed).toMatch(/^p2pfk: [^\n]+\n$/);
    expect(printed).not.toContain('hunter2');
    expect(printed).toContain(long);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('in an environment variable behind an option is refused, too', async () => {
    vi.stubEnv('P2PFK_LEDGER_OWNER', TYPED[0]);
    expect(await run(['verify', '-t', 'path'])).toBe(2);
    expect(printed).toMatch(/^p2pfk: --ledger-owner \(P2PFK_LEDGER_OWNER\) holds a connection string/);
    expect(printed).not.toContain('hunter2');
  });

  it('as an argument, a command, a number or an option that does not exist is not printed', async () => {
    for (const text of [...TYPED, "host=db password='not ended hunter2hunter2", 'postgres://a:12 hunter2/x@d'])
      for (const line of [
        [text],
        ['plan', text],
        ['plan', '-t', 'path', text],
        [`--${text}`],
        ['plan', `--x=${text}`],
        ['serve', '--port', text],
        ['serve', `--port=${text}`],
        ['migrate', '-t', 'path', '--approval-timeout', text],
        ['watch', '--execution', text],
      ])
        expect(await run(line), line.join(' ')).toBe(2);
    expect(printed).not.toContain('hunter2');
  });

  it('without its scheme is no longer told from a name, and printed without its password', () => {
    for (const key of Object.keys(ExecutionInputKeys.shape)) {
      const given = { table: 'path', [key]: key === 'accept' ? ['app:hunter2hunter2@db'] : 'app:hunter2hunter2@db' };
      const message = (() => {
        try {
          executionInputOf(given);
          return '';
        } catch (error) {
          return String(error);
        }
      })();
      expect(message, key).not.toContain('hunter2');
    }
  });
});
