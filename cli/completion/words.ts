/** Commands and options as a shell completes them: from commander's own tree, so that they are those of `--help`. Pure. */
import type { Command, Option } from 'commander';
import { INPUT_OPTIONS } from '../../core/contracts/options/all.ts';
import type { InputOption } from '../../core/contracts/options/option.ts';
import { longOf } from '../input-options.ts';

export interface CompletedOption {
  /** `--table`, and `-t` where there is one. */
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  /** What comes after it: nothing, one of some words, a file, or any other text. */
  readonly value: 'none' | 'file' | 'text' | readonly string[];
}

export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** Words that it takes without an option. */
  readonly operands: readonly string[];
}

export function completedCommands(program: Command): CompletedCommand[] {
  return program.commands.map((command) => ({
    name: word(command.name()),
    description: command.description(),
    options: command
      .createHelp()
      .visibleOptions(command)
      .flatMap((option) => (option.long === undefined ? [] : [completed(option, option.long)])),
    operands: command.registeredArguments.flatMap((argument) => (argument.argChoices ?? []).map(word)),
  }));
}

function completed(option: Option, long: string): CompletedOption {
  return {
    long: word(long),
    short: option.short === undefined ? undefined : word(option.short),
    description: (option.description.split('\n')[0] ?? '').trim(),
    value: valueAfter(option),
  };
}

function valueAfter(option: Option): CompletedOption['value'] {
  if (!option.required && !option.optional) return 'none';
  const words = option.argChoices ?? choicesOf(option.long);
  if (words !== undefined) return words.map(word);
  return /<(?:file|path)>/.test(option.flags) ? 'file' : 'text';
}

function choicesOf(long: string | undefined): readonly string[] | undefined {
  const declared: readonly InputOption[] = Object.values(INPUT_OPTIONS);
  const found = declared.find(({ flag }) => flag !== undefined && longOf(flag) === long);
  return found?.type === 'choice' ? found.choices : undefined;
}

/** In the scripts they are not quoted. */
function word(text: string): string {
  if (/^[\w-]+$/.test(text)) return text;
  throw new Error(`${JSON.stringify(text)} cannot be completed: it has a character that shells read in their own way`);
}
