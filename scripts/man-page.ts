/** The manual page `p2pfk(1)`: from commander's own tree, so that it has what `--help` has. Pure. */
import type { Command, Option } from 'commander';
import { createProgram } from '../cli/program.ts';
import { version } from '../cli/version.ts';

/** The page as roff, in the macros of man(7). */
export function manPage(): string {
  const program = createProgram(() => undefined);
  const commands = program.commands;
  const lines = [
    `.TH P2PFK 1 "" "p2pfk ${version}" "User Commands"`,
    '.SH NAME',
    `p2pfk \\- ${escaped('partition-to-partition foreign keys for PostgreSQL, online')}`,
    '.SH SYNOPSIS',
    '.B p2pfk',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    ...text(program.description()),
    '.SH COMMANDS',
    ...commands.flatMap((command) => ['.TP', `.B ${escaped(command.name())}`, ...text(command.description())]),
    ...commands.flatMap(section),
    ...afterOptions(program).flatMap(block),
    '.SH SEE ALSO',
    '.BR psql (1)',
  ];
  return `${lines.join('\n')}\n`;
}

function section(command: Command): string[] {
  const help = command.createHelp();
  const operands = command.registeredArguments.map((argument) => ` <${argument.name()}>`).join('');
  return [
    `.SH "p2pfk ${escaped(command.name())}${escaped(operands)}"`,
    ...text(capital(command.description())),
    ...help.visibleOptions(command).flatMap(option),
    ...afterOptions(command).flatMap(block),
  ];
}

function option({ flags, description }: Option): string[] {
  return ['.TP', `.B ${escaped(flags)}`, ...text(description)];
}

/** What follows the options in `--help`, in paragraphs. */
function afterOptions(command: Command): string[] {
  let whole = '';
  command.configureOutput({
    writeOut: (part) => {
      whole += part;
    },
  });
  command.outputHelp();
  return whole
    .slice(command.helpInformation().length)
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replace(/^\n+|\n+$/g, ''))
    .filter((paragraph) => paragraph !== '');
}

/** A paragraph with its lines as they are: they are examples, tables, or text that fits a terminal. */
function block(paragraph: string): string[] {
  const [title = '', ...rest] = paragraph.split('\n');
  if (/^[A-Z][\w ]*:$/.test(title)) return ['.PP', `.B ${escaped(title)}`, '.nf', ...rest.map(escaped), '.fi'];
  return ['.PP', '.nf', title, ...rest].map((line, index) => (index < 2 ? line : escaped(line))).concat('.fi');
}

function text(words: string): string[] {
  return words.split('\n').map(escaped);
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A line that roff prints as it is: no escape, no request, and hyphens that can be copied. */
function escaped(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '\\`')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/^([.'])/, '\\&$1');
}
