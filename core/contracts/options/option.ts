/**
 * Types for the declaration of an execution's option: a key of the input, a flag of the command line, and a field of the console's
 * start form. Options are data only, so that `--help` can be printed without a schema library.
 *
 * `{min}`, `{max}`, `{default}` and `{longest}` in a text are placeholders for these numbers.
 */

/** Parts that every option may have. */
interface Common {
  /**
   * The flag in commander's notation, for example `--max-concurrency <n>`; `--no-...` for an option that is on by default. Absent:
   * only p2pfk itself sets the key.
   */
  readonly flag?: string;
  /** Description in `--help`. */
  readonly help?: string;
  /** The option is for a migration only, and is refused in a rollback. */
  readonly forwardOnly?: true;
  /** Field of the start form. Absent: the form has no field for it. */
  readonly field?: Field;
}

/** Field of the console's start form. */
export interface Field {
  readonly label: string;
  readonly hint: string;
  /** The field is in the section "Limits and options", which is closed at first. */
  readonly advanced?: true;
  readonly required?: true;
}

/** Text, an instant in ISO 8601, or a list of ids of findings. */
interface Text {
  readonly type: 'text' | 'instant' | 'list';
  /** The requirement on a value; in messages it follows the name of the flag. */
  readonly expected?: string;
  /** Greatest length, in characters. */
  readonly longest?: number;
  /** The flag that sets the value, where the option has no flag of its own. */
  readonly from?: string;
}

/** An integer (`whole`) or any number, with its limits. */
interface Numeric {
  readonly type: 'whole' | 'number';
  /** The requirement on a value; in messages it follows the name of the flag. */
  readonly expected?: string;
  readonly min?: number;
  readonly max?: number;
  readonly default?: number;
  /** Unit of the value. On the command line it is written as a duration (`30s`, `5m`), or as a size (`512MB`). */
  readonly unit?: 's' | 'MB';
}

/** An option that is on or off. */
interface Switch {
  readonly type: 'switch';
  readonly default: boolean;
}

/** One of several words. */
interface Choice {
  readonly type: 'choice';
  /** The first is the default. */
  readonly choices: readonly [string, ...string[]];
  /** Explanation of each choice, in the same order, for the start form. */
  readonly meanings?: readonly string[];
}

/** An option of an execution. */
export type InputOption = Common & (Text | Numeric | Switch | Choice);

/** The requirement on a value, for messages: for example `must be a whole number from 1 to 40`. */
export function expectedOf(option: InputOption): string {
  switch (option.type) {
    case 'switch':
      return 'must be given or not';
    case 'choice':
      return `must be ${option.choices.slice(0, -1).join(', ')} or ${option.choices.at(-1)}`;
    default:
      return filled(option.expected ?? '', option, asTyped);
  }
}

/**
 * Replaces the placeholders in `text` by the option's numbers.
 *
 * @param say formats a number and its unit
 */
export function filled(text: string, option: InputOption, say: typeof asTyped = String): string {
  const numbers: Readonly<Record<string, unknown>> = { ...option };
  const unit = 'unit' in option ? option.unit : undefined;
  return text.replace(/\{(min|max|default|longest)\}/g, (place, key: string) => {
    const number = numbers[key];
    return typeof number === 'number' ? say(number, unit) : place;
  });
}

/** A number in the notation of the command line: `90s`, `30m`, `1h`, `30d`, `512MB`, `64GB`. */
export function asTyped(value: number, unit?: Numeric['unit']): string {
  if (unit === 'MB') return value % 1_024 === 0 ? `${value / 1_024}GB` : `${value}MB`;
  if (unit === undefined) return String(value);
  if (value % 86_400 === 0 && value > 0) return `${value / 86_400}d`;
  if (value % 3_600 === 0) return `${value / 3_600}h`;
  return value % 60 === 0 ? `${value / 60}m` : `${value}s`;
}
