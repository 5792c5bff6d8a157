/** Options that become the execution input, as commander takes them: from their one declaration, core/contracts/options/. */
import { type Command, Option } from 'commander';
import { INPUT_OPTIONS } from '../core/contracts/options/all.ts';
import { asTyped, filled, type InputOption } from '../core/contracts/options/option.ts';
import { duration, megabytes, wholeNumber } from './units.ts';

type Options = typeof INPUT_OPTIONS;

/** Keys of the input that have a flag. */
type FlaggedKey = { [Key in keyof Options]: Options[Key] extends { flag: string } ? Key : never }[keyof Options];

type Camel<Text extends string> = Text extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Text;
type LongName<Flag extends string> = Flag extends `${string}--${infer Rest}`
  ? Rest extends `${infer Name} ${string}`
    ? Name
    : Rest
  : never;
/** Under which commander keeps the value of a flag: `--max-concurrency <n>` -> `maxConcurrency`, `--no-indexes` -> `indexes`. */
type Attribute<Flag extends string> = LongName<Flag> extends `no-${infer Name}` ? Camel<Name> : Camel<LongName<Flag>>;

interface ValueOf {
  readonly text: string;
  readonly instant: string;
  readonly choice: string;
  readonly list: readonly string[];
  readonly whole: number;
  readonly number: number;
  readonly switch: boolean;
}

type Given = {
  readonly [Key in Exclude<FlaggedKey, 'table' | 'operation'> as Attribute<
    Options[Key]['flag']
  >]?: ValueOf[Options[Key]['type']];
};

/** Flags that become the execution input; see input.ts. Durations are in seconds, sizes in megabytes. */
export type InputFlags = Given & { readonly table: string };

/** Under which commander keeps the value of a flag. */
export function attributeOf(flag: string): string {
  return new Option(flag).attributeName();
}

/** `--max-concurrency` of `-m, --max-concurrency <n>`. */
export function longOf(flag: string): string | undefined {
  return new Option(flag).long;
}

/** @param help in place of the declared text, where a command has to say more */
export function inputOption(key: FlaggedKey, help?: string): Option {
  const option: InputOption & { readonly flag: string; readonly help: string } = INPUT_OPTIONS[key];
  const made = new Option(option.flag, filled(help ?? option.help, option, asTyped));
  switch (option.type) {
    case 'list':
      return made.argParser((value: string, before: readonly string[] = []) => [...before, value]);
    case 'whole':
    case 'number':
      return made.argParser(option.unit === 's' ? duration : option.unit === 'MB' ? megabytes : wholeNumber);
    default:
      return made;
  }
}

export function declare(command: Command, ...keys: readonly FlaggedKey[]): Command {
  for (const key of keys) command.addOption(inputOption(key));
  return command;
}
