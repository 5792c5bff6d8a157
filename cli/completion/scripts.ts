/** Scripts that complete commands and options, one for each shell. Pure. */
import type { Command } from 'commander';
import { version } from '../version.ts';
import { type CompletedCommand, type CompletedOption, completedCommands } from './words.ts';

export function completionScript(shell: string, program: Command): string {
  const commands = completedCommands(program);
  const lines = shell === 'bash' ? bash(commands) : shell === 'zsh' ? zsh(commands) : fish(commands);
  const [first = '', ...rest] = lines;
  // zsh looks for #compdef in the first line.
  return `${[first, `# Completion of p2pfk ${version}, printed by: p2pfk completion ${shell}`, ...rest].join('\n')}\n`;
}

const flags = ({ long, short }: CompletedOption): string[] => (short === undefined ? [long] : [short, long]);

function bash(commands: readonly CompletedCommand[]): string[] {
  const after = commands.flatMap(({ name, options }) =>
    options.flatMap((option): string[] => {
      if (option.value === 'none') return [];
      const patterns = flags(option)
        .map((flag) => `'${name} ${flag}'`)
        .join(' | ');
      if (option.value === 'text') return [`    ${patterns}) return ;;`];
      if (option.value === 'file') return [`    ${patterns}) _p2pfk_files; return ;;`];
      return [`    ${patterns}) _p2pfk_words '${option.value.join(' ')}'; return ;;`];
    }),
  );
  const own = commands.map(
    ({ name, options, operands }) =>
      `    ${name}) _p2pfk_words '${[...operands, ...options.flatMap(flags)].join(' ')}' ;;`,
  );
  return [
    '# shellcheck shell=bash',
    // Not mapfile, nor compopt without a way out: the bash of macOS is 3.2.
    '_p2pfk_lines() { local line; while IFS= read -r line; do COMPREPLY+=("$line"); done; }',
    '_p2pfk_words() { _p2pfk_lines < <(compgen -W "$1" -- "$current"); }',
    '_p2pfk_files() { compopt -o filenames 2> /dev/null; _p2pfk_lines < <(compgen -f -- "$current"); }',
    '_p2pfk() {',
    `  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command= index`,
    '  COMPREPLY=()',
    // bash makes words of their own of an equals sign and of what is behind it.
    "  if [[ $current == '=' ]]; then current=",
    `  elif [[ $previous == '=' ]]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}; fi`,
    '  for ((index = 1; index < COMP_CWORD; index++)); do',
    `    case \${COMP_WORDS[index]} in -*) ;; *) command=\${COMP_WORDS[index]}; break ;; esac`,
    '  done',
    `  if [[ -z $command ]]; then _p2pfk_words '${[...commands.map(({ name }) => name), '--help', '--version'].join(' ')}'; return; fi`,
    '  case "$command $previous" in',
    ...after,
    '  esac',
    '  case $command in',
    ...own,
    '  esac',
    '}',
    'complete -F _p2pfk p2pfk',
  ];
}

function zsh(commands: readonly CompletedCommand[]): string[] {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  // In a specification of _arguments a colon ends a part, and brackets hold the description.
  const escaped = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&');
  const action = ({ value }: CompletedOption): string => {
    if (value === 'none') return '';
    if (value === 'file') return ':file:_files';
    return value === 'text' ? ':value: ' : `:value:(${value.join(' ')})`;
  };
  const specifications = (option: CompletedOption): string[] =>
    flags(option).map((flag) => quoted(`*${flag}[${escaped(option.description)}]${action(option)}`));
  const operand = (operands: readonly string[]): string[] =>
    operands.length === 0 ? [] : [quoted(`1:value:(${operands.join(' ')})`)];
  return [
    '#compdef p2pfk',
    '_p2pfk() {',
    '  local -a commands',
    `  commands=(${commands.map(({ name, description }) => quoted(`${name}:${description.replaceAll(':', '\\:')}`)).join(' ')})`,
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  local command=$words[2]',
    '  shift words; (( CURRENT-- ))',
    '  case $command in',
    ...commands.flatMap(({ name, options, operands }) => [
      `    ${name}) _arguments ${[...options.flatMap(specifications), ...operand(operands)].join(' ')} ;;`,
    ]),
    '  esac',
    '}',
    'if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _p2pfk "$@"; else compdef _p2pfk p2pfk; fi',
  ];
}

function fish(commands: readonly CompletedCommand[]): string[] {
  const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const value = ({ value: what }: CompletedOption): string => {
    if (what === 'none') return '';
    if (what === 'file') return ' -r -F';
    return what === 'text' ? ' -x' : ` -x -a '${what.join(' ')}'`;
  };
  return [
    'complete -c p2pfk -f',
    ...commands.flatMap(({ name, description, options, operands }) => {
      const here = `complete -c p2pfk -n '__fish_seen_subcommand_from ${name}'`;
      return [
        `complete -c p2pfk -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
        ...operands.map((operand) => `${here} -a ${operand}`),
        ...options.map(
          (option) =>
            `${here} -l ${option.long.slice(2)}${option.short === undefined ? '' : ` -s ${option.short.slice(1)}`}${value(option)} -d ${quoted(option.description)}`,
        ),
      ];
    }),
  ];
}
