/** The manual page has what `--help` has, and is roff that groff reads without a warning. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { createProgram } from '../../cli/program.ts';
import { manPage } from '../../scripts/man-page.ts';

const page = manPage();
/** As roff prints it. */
const printed = page.replaceAll('\\-', '-').replaceAll('\\e', '\\');

it('has every command with its options and examples', () => {
  for (const command of createProgram(() => undefined).commands) {
    const at = printed.indexOf(`.SH "p2pfk ${command.name()}`);
    expect(at, command.name()).toBeGreaterThan(0);
    const end = printed.indexOf('\n.SH ', at + 1);
    const section = printed.slice(at, end);
    for (const { flags } of command.options) expect(section).toContain(`.B ${flags}\n`);
    expect(section).toContain(`p2pfk ${command.name()}`);
    expect(section).toContain('\n.B Examples:\n');
    expect(section).toContain('\n.B Exit codes:\n');
  }
});

it('has no line of ours that roff takes for a request', () => {
  const requests = page.split('\n').filter((line) => /^[.']/.test(line));
  for (const line of requests) expect(line).toMatch(/^\.(TH|SH|TP|B|I|RI|BR|PP|nf|fi)( |$)/);
});

it.runIf(spawnSync('groff', ['--version']).error === undefined)('is read without a warning', () => {
  const { stdout, stderr } = spawnSync('groff', ['-man', '-Tascii', '-ww', '-rLL=130n', '-P-c'], {
    input: page,
    encoding: 'utf8',
  });

  expect(stderr).toBe('');
  expect(stdout).toContain('--lock-timeout-ms');
});
