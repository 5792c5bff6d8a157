/**
 * Where text goes. A person reads stdout; with `--json` stdout holds exactly one JSON document and everything that a
 * person reads goes to stderr.
 *
 * The border to the terminal: what comes from a database may hold escape sequences, and none of it gets past here. Nothing
 * else in `cli/` writes to stdout or stderr (test/cli/border.test.ts). Secrets are taken out of the texts of others where those come in
 * (core/contracts/redact.ts), never here: a line may hold a command or a statement to copy, which must not change.
 */
import { styleText } from 'node:util';
import { cleanTexts, withheld } from '../core/contracts/redact.ts';
import { visible, visibleJson, visibleLines, visibleSql } from './text.ts';

/** What the output functions need of a stream; `process.stdout` is one. */
export interface TextStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface OutputOptions {
  readonly json?: boolean | undefined;
  /** `--json-lines`: stdout holds one JSON object a line, for each event of the progress and then for the result. */
  readonly jsonLines?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  /** False with `--no-color`; `NO_COLOR`, `FORCE_COLOR` and a stream that is no terminal are looked at besides. */
  readonly color?: boolean | undefined;
}

/** A line of `--json-lines`. */
export interface JsonLine {
  readonly type: string;
}

type Format = Parameters<typeof styleText>[0];

let documents = 0;

/** How many documents this process has printed: who asked for one gets exactly one, also where a command fails. */
export function documentsPrinted(): number {
  return documents;
}

export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Where people read: stdout, or stderr with `--json`. */
  readonly stream: TextStream;
  readonly stderr: TextStream;
  /** Columns of the terminal, null where people do not read on one. */
  readonly columns: number | null;
  /** A line for a person. */
  line(text?: string): void;
  /** A line on stderr, whatever the options: warnings and errors. */
  complain(text: string): void;
  /** The one JSON document of `--json`, or the last line of `--json-lines`; nothing otherwise. */
  document(value: unknown): void;
  /** A line of `--json-lines`; nothing otherwise. */
  event<Line extends JsonLine>(value: Line): void;
  /** Text that machines read, such as a report or an ARN: on stdout, without anything added. */
  raw(text: string): void;
  /** Statements: they mean the same as before, however a table is named. */
  sql(text: string): void;
  /** Lines where people read, with a secret in them that is meant to be seen. */
  secret(text: string): void;
  style(format: Format, text: string): string;
  /** Colours the marks of a line. The line is escaped first, so that no name in it can carry a colour of its own. */
  decorate(line: string): string;
}

const BANNERS: readonly (readonly [start: string, format: Format])[] = [
  ['✓✓✓', ['bold', 'green']],
  ['✗✗✗', ['bold', 'red']],
  ['‖‖‖', ['bold', 'yellow']],
];

const MARKS: Readonly<Record<string, Format>> = {
  '✓': 'green',
  '✗': 'red',
  '↻': 'yellow',
  '‖': 'yellow',
  '!': 'yellow',
};

export function createOutput(
  options: OutputOptions,
  streams: { readonly stdout: TextStream; readonly stderr: TextStream } = process,
): Output {
  const lines = options.jsonLines === true;
  const json = lines || options.json === true;
  const stream = json ? streams.stderr : streams.stdout;
  const colour = options.color !== false;

  const style = (format: Format, text: string, target: TextStream = stream): string =>
    colour ? styleText(format, text, { stream: target, validateStream: true }) : text;

  const decorate = (line: string, target: TextStream = stream): string => {
    const text = visible(withheld(line));
    const banner = BANNERS.find(([start]) => text.startsWith(start));
    if (banner) return style(banner[1], text, target);
    return text.replace(
      /(^|[\s\]])([✓✗↻‖!])( (?:PASS|FAIL)\b)?(?=\s|$)/gu,
      (_all, before: string, mark: string, word?: string) =>
        before + style(MARKS[mark] ?? 'reset', mark + (word ?? ''), target),
    );
  };

  return {
    json,
    quiet: options.quiet === true,
    stream,
    stderr: streams.stderr,
    columns: stream.isTTY === true ? (stream.columns ?? 80) : null,
    style,
    decorate: (line) => decorate(line),
    // With --json --quiet the document says it all.
    line: (text = '') => void (json && options.quiet === true ? false : stream.write(`${decorate(text)}\n`)),
    complain: (text) => void streams.stderr.write(`${decorate(text, streams.stderr)}\n`),
    document: (value) => {
      if (!json) return;
      documents += 1;
      const shown = cleanTexts(value, withheld);
      streams.stdout.write(`${lines ? visibleJson({ type: 'Result', result: shown }) : visibleJson(shown, 2)}\n`);
    },
    event: (value) => void (lines && streams.stdout.write(`${visibleJson(cleanTexts(value, withheld))}\n`)),
    raw: (text) => void streams.stdout.write(visibleLines(text)),
    sql: (text) => void streams.stdout.write(visibleSql(text)),
    secret: (text) => void stream.write(`${visibleLines(text)}\n`),
  };
}

/** Lines on stderr before there is an output, or without one: why a command was not run. */
export function complain(lines: readonly string[]): void {
  process.stderr.write(`${lines.map((line) => visible(withheld(line))).join('\n')}\n`);
}
