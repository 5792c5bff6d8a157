/** What derives from the declarations of options in core/contracts/options/: the form, and the pages of docs/. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FIELDS } from '../../cli/console/form.ts';
import { longOf } from '../../cli/input-options.ts';
import { createProgram } from '../../cli/program.ts';
import { INPUT_OPTIONS, inputOptions } from '../../core/contracts/options/all.ts';
import { asTyped, filled, type InputOption } from '../../core/contracts/options/option.ts';

const { commands } = createProgram(() => undefined);
/** Commands that take the same option for something else. */
const OTHERWISE: Readonly<Record<string, readonly string[]>> = { '--accept': ['audit'], '--dry-run': ['provision'] };

function commandsWith(flag: string): string[] {
  const long = longOf(flag) ?? '';
  return commands
    .filter(({ options }) => options.some((option) => option.long === long))
    .map((command) => command.name())
    .filter((name) => !OTHERWISE[long]?.includes(name));
}

function kindOf(option: InputOption): string {
  switch (option.type) {
    case 'switch':
      return 'switch';
    case 'choice':
      return option.choices.map((one) => `\`${one}\``).join(', ');
    case 'list':
      return 'ids, repeated';
    case 'instant':
      return 'ISO 8601 time with offset';
    case 'text':
      return option.longest === undefined
        ? 'text'
        : `text of at most ${option.longest.toLocaleString('en-US')} characters`;
    default: {
      const kind = option.unit === 's' ? 'duration' : option.unit === 'MB' ? 'size' : 'number';
      const { min, max } = option;
      const range = [
        ...(min ? [`from ${asTyped(min, option.unit)}`] : []),
        ...(max ? [`to ${asTyped(max, option.unit)}`] : []),
      ];
      return [kind, ...range].join(' ');
    }
  }
}

/** `(default: never)` at the end of the help text, where it is no value of the input. */
const DEFAULT_IN_WORDS = / \(default: (.*)\)$/;

function defaultOf(option: InputOption, help: string): string {
  switch (option.type) {
    case 'switch':
      return option.default ? 'on' : 'off';
    case 'choice':
      return `\`${option.choices[0]}\``;
    case 'whole':
    case 'number':
      if (option.default !== undefined) return asTyped(option.default, option.unit);
  }
  return DEFAULT_IN_WORDS.exec(help)?.[1] ?? '';
}

function row(key: string, option: InputOption & { readonly flag: string; readonly help: string }): string {
  const help = filled(option.help, option, asTyped);
  const cells = [
    `\`${option.flag}\``,
    `\`${key}\``,
    kindOf(option),
    defaultOf(option, help),
    commandsWith(option.flag).join(', '),
    `${help.replace(DEFAULT_IN_WORDS, '')}${option.forwardOnly ? '; refused in a rollback' : ''}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

describe('an option of an execution', () => {
  it('that has a field is in the start form, and no other', () => {
    const declared = inputOptions.flatMap(([key, option]) => (option.field === undefined ? [] : [key]));
    expect(FIELDS.map(({ name }) => name).sort()).toEqual(declared.sort());
  });

  it('is in docs/options.md', async () => {
    const rows = inputOptions.flatMap(([key, option]) => {
      const { flag, help } = option;
      return flag === undefined || help === undefined ? [] : [row(key, { ...option, flag, help })];
    });
    const others = inputOptions.flatMap(([key, { flag }]) => (flag === undefined ? [`\`${key}\``] : []));
    await expect(`# Options of an execution

What may be chosen for a migration or a rollback: as a flag of the command line, or as a key of the execution input, which
\`p2pfk start\` sends and \`aws stepfunctions start-execution --input\` takes. In an input a duration is a number of seconds and a size
a number of megabytes, and a switch is \`true\` or \`false\`.

This page is written from [core/contracts/options/](../core/contracts/options/), where each option is declared:
\`npx vitest run test/cli/options.test.ts --update\`.

| flag | key of the input | value | default | commands | what it does |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

The first choice of several is the default. \`--no-row-movement-guard\` is \`"rowMovementGuard": false\`, \`--no-indexes\` is
\`"noIndexes": true\`.

p2pfk itself sets ${others.join(', ')}: for schedules, reviewed plans and
reconciliation. Any other key is refused.
`).toMatchFileSnapshot('../../docs/options.md');
  });

  it('has in docs/operations.md the default that is declared', () => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const table = page.split('| option | what it bounds | default |')[1]?.split('\n\n')[0] ?? '';
    // A row on two options states the default of the first.
    const rows = [...table.matchAll(/^\| `(--[\w-]+)[^|]*\| .* \| (.*?) \|$/gm)];
    expect(rows.length).toBeGreaterThan(5);
    const defaults = new Map(rows.map(([, flag, initially]) => [flag, initially]));
    for (const option of Object.values<InputOption>(INPUT_OPTIONS)) {
      const stated = option.flag && defaults.get(longOf(option.flag) ?? '');
      if (stated !== undefined && 'default' in option && typeof option.default === 'number')
        expect([option.flag, stated]).toEqual([option.flag, asTyped(option.default, option.unit)]);
    }
  });
});
