/**
 * What an option of an execution is: a key of its input, a flag of the command line, and a field of the console's start form. Data
 * alone, so that `--help` can be printed without a schema library.
 *
 * `{min}`, `{max}`, `{default}` and `{longest}` in a text stand for these numbers.
 */

interface Common {
  /**
   * As commander takes it, such as `--max-concurrency <n>`; `--no-...` for one that switches off what is on by default. Absent: the key
   * is set by p2pfk alone.
   */
  readonly flag?: string;
  /** For `--help`. */
  readonly help?: string;
  /** Only for the way forward: refused in a rollback. */
  readonly forwardOnly?: true;
  /** Field of the start form; absent: the form does not have it. */
  readonly field?: Field;
}

export interface Field {
  readonly label: string;
  readonly hint: string;
  /** Below "Limits and options", closed at first. */
  readonly advanced?: true;
  readonly required?: true;
}

/** Text, an instant in ISO 8601, or a list of ids of findings. */
interface Text {
  readonly type: 'text' | 'instant' | 'list';
  /** What a value has to be, behind the name of the flag. */
  readonly expected?: string;
  /** In characters. */
  readonly longest?: number;
  /** Which flag the value comes from, where it has none of its own. */
  readonly from?: string;
}

interface Numeric {
  readonly type: 'whole' | 'number';
  /** What a value has to be, behind the name of the flag. */
  readonly expected?: string;
  readonly min?: number;
  readonly max?: number;
  readonly default?: number;
  /** On the command line a duration (`30s`, `5m`), or a size (`512MB`). */
  readonly unit?: 's' | 'MB';
}

interface Switch {
  readonly type: 'switch';
  readonly default: boolean;
}

interface Choice {
  readonly type: 'choice';
  /** The first is the default. For the form each with what it means. */
  readonly choices: readonly [string, ...string[]];
  readonly meanings?: readonly string[];
}

export type InputOption = Common & (Text | Numeric | Switch | Choice);

/** What a value has to be, such as `must be a whole number from 1 to 40`. */
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
 * `text` with the option's numbers in it.
 *
 * @param say how a number is written
 */
export function filled(text: string, option: InputOption, say: typeof asTyped = String): string {
  const numbers: Readonly<Record<string, unknown>> = { ...option };
  const unit = 'unit' in option ? option.unit : undefined;
  return text.replace(/\{(min|max|default|longest)\}/g, (place, key: string) => {
    const number = numbers[key];
    return typeof number === 'number' ? say(number, unit) : place;
  });
}

/** A number as one types it on the command line: `90s`, `30m`, `1h`, `30d`, `512MB`, `64GB`. */
export function asTyped(value: number, unit?: Numeric['unit']): string {
  if (unit === 'MB') return value % 1_024 === 0 ? `${value / 1_024}GB` : `${value}MB`;
  if (unit === undefined) return String(value);
  if (value % 86_400 === 0 && value > 0) return `${value / 86_400}d`;
  if (value % 3_600 === 0) return `${value / 3_600}h`;
  return value % 60 === 0 ? `${value / 60}m` : `${value}s`;
}
