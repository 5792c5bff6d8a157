/** The completion script, as bash runs it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScript } from '../../cli/completion/scripts.ts';
import { createProgram } from '../../cli/program.ts';
import { p2pfkHere } from './here.helpers.ts';

const program = createProgram(() => undefined);
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pfk-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) writeFileSync(join(folder, shell), completionScript(shell, program));
  writeFileSync(join(folder, 'my report.html'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers where the last of `words` is completed. */
function completed(...words: readonly string[]): string[] {
  const script = `source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _p2pfk; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['--norc', '-c', script, 'bash', 'p2pfk', ...words], { cwd: folder, encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '');
}

describe('in bash', () => {
  it('commands are completed', () => {
    expect(completed('mig')).toEqual(['migrate']);
    expect(completed('')).toEqual(expect.arrayContaining(program.commands.map((command) => command.name())));
  });

  it('options are those of the command', () => {
    expect(completed('migrate', '--reh')).toEqual(['--rehearse']);
    expect(completed('verify', '--reh')).toEqual([]);
    for (const command of program.commands) {
      const offered = completed(command.name(), '--');
      for (const { long } of command.options) expect(offered).toContain(long);
    }
  });

  it('a value is one of the few that there are, a file, or nothing', () => {
    expect(completed('migrate', '--approval', '')).toEqual(['auto', 'manual']);
    expect(completed('migrate', '--approval', '=', 'm')).toEqual(['manual']);
    expect(completed('migrate', '--approval', '=')).toEqual(['auto', 'manual']);
    expect(completed('demo', '--fail', 'o')).toEqual(['orphans']);
    expect(completed('migrate', '--report', 'my')).toEqual(['my report.html']);
    expect(completed('migrate', '--table', 'mi')).toEqual([]);
    expect(completed('completion', 'z')).toEqual(['zsh']);
  });
});

it.each(['bash', 'zsh', 'fish'])('the script for %s has no syntax error, where that shell is here', (shell) => {
  if (spawnSync(shell, ['--version']).error !== undefined) return;
  expect(execFileSync(shell, ['-n', join(folder, shell)], { encoding: 'utf8' })).toBe('');
});

it('p2pfk completion prints it, and refuses another shell', async () => {
  const { code, stdout, stderr } = await p2pfkHere(['completion', 'bash']);
  expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: completionScript('bash', program) });

  expect(await p2pfkHere(['completion', 'csh'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^p2pfk: .*Allowed choices are bash, zsh, fish; see p2pfk completion --help\n$/),
  });
});
