import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { expect, it } from 'vitest';
import { ExitCode, exitCodeOfError, exitCodeOfReport } from '../../cli/exit-codes.ts';
import * as errors from '../../core/contracts/errors.ts';

it.each([
  [new errors.InvalidInput('no such table'), 2],
  [new errors.ConnectionLost('gone'), 2],
  [new errors.PreflightFailed('refused'), 4],
  [new errors.NotMigrated('never'), 4],
  [new errors.LockTimeout('held'), 1],
  [new errors.WindowClosed('04:00'), 6],
  [new errors.RollbackFailed('a person is needed'), 5],
  [new CommanderError(0, 'commander.helpDisplayed', ''), 0],
  [new CommanderError(1, 'commander.unknownOption', "error: unknown option '--tabel'"), 2],
  [new Error('a defect'), 2],
  ['not even an error', 2],
])('%s ends a command with exit code %i', (error, code) => {
  expect(exitCodeOfError(error)).toBe(code);
});

it.each([
  ['ConnectionRefused', 2],
  ['PrivilegeMissing', 4],
  // Its own code is 1, but the plan step has changed nothing that would have had to be put back.
  ['LockTimeout', 4],
  ['States.Runtime', 4],
])('a plan that failed with %s is a refusal, exit code %i', (name, code) => {
  expect(exitCodeOfReport({ status: 'REFUSED', error: { name, message: '' } })).toBe(code);
});

it('the launcher, which is plain JavaScript, has the same code for bad input', () => {
  const launcher = readFileSync(new URL('../../bin/p2pfk.js', import.meta.url), 'utf8');
  expect(launcher).toContain(`const BAD_INPUT = ${ExitCode.BadInput};`);
});

it.each(Object.values(ExitCode).filter((code) => code !== ExitCode.HungUp))(
  'exit code %i is explained in docs/operations.md',
  (code) => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const rows = page.split('## By exit code')[1]?.split('\n## ')[0] ?? '';
    expect(rows).toMatch(new RegExp(`^\\| (?:\\d+, )?${code}(?:, \\d+)? \\|`, 'm'));
  },
);
