/**
 * Parses the bound of a new partition. A person's text is never passed on: only its parts are given to
 * `sql/statements/attach-partition.sql`, where PostgreSQL quotes each literal.
 */
import { InvalidInput } from '../contracts/errors.ts';
import { echoed } from '../contracts/redact.ts';

/** One value of a bound. Numbers, `true` and `false` are literals, too: PostgreSQL reads them by the column's type. */
export type BoundValue =
  | { readonly literal: string }
  | { readonly keyword: 'NULL' }
  | { readonly keyword: 'MINVALUE' | 'MAXVALUE' };

/** A bound. Names of keys are those of `sql/statements/attach-partition.sql`, so the object serves as its parameter. */
export type PartitionBound =
  | { readonly strategy: 'list'; readonly values: readonly BoundValue[] }
  | { readonly strategy: 'range'; readonly from: readonly BoundValue[]; readonly to: readonly BoundValue[] }
  | { readonly strategy: 'hash'; readonly modulus: number; readonly remainder: number }
  | { readonly strategy: 'default' };

const EXPECTED =
  "FOR VALUES IN ('a', 'b'), FOR VALUES FROM ('a') TO ('b'), FOR VALUES WITH (MODULUS 4, REMAINDER 0) or DEFAULT, with plain literals";

/** A literal, a number, a word or a sign; blanks before it are skipped. Comments, casts and semicolons do not match. */
const TOKEN =
  /\s*(?:(?<string>'(?:[^']|'')*')|(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z]+)|(?<sign>[(),]))/y;

/** Largest integer of PostgreSQL, the type of MODULUS and REMAINDER. */
const LARGEST_INTEGER = 2_147_483_647;

type Token = { readonly kind: 'string' | 'number' | 'word' | 'sign' | 'end'; readonly text: string };

/**
 * Parses a bound, in the syntax of SQL and of `pg_get_expr`.
 *
 * @throws InvalidInput with one line, where it is anything but the bound of one partition
 *
 * @example
 * parseBound("FOR VALUES IN ('eu', NULL)"); // { strategy: 'list', values: [{ literal: 'eu' }, { keyword: 'NULL' }] }
 */
export function parseBound(text: string): PartitionBound {
  const tokens = new Tokens(text);
  const bound = tokens.takeWord('DEFAULT') ? ({ strategy: 'default' } as const) : readValues(tokens);
  tokens.end();
  return bound;
}

function readValues(tokens: Tokens): PartitionBound {
  tokens.word('FOR');
  tokens.word('VALUES');
  if (tokens.takeWord('IN')) return { strategy: 'list', values: tokens.list(['NULL']) };
  if (tokens.takeWord('FROM')) {
    const from = tokens.list(['MINVALUE', 'MAXVALUE']);
    tokens.word('TO');
    return { strategy: 'range', from, to: tokens.list(['MINVALUE', 'MAXVALUE']) };
  }
  tokens.word('WITH');
  tokens.sign('(');
  tokens.word('MODULUS');
  const modulus = tokens.integer();
  tokens.sign(',');
  tokens.word('REMAINDER');
  const remainder = tokens.integer();
  tokens.sign(')');
  return { strategy: 'hash', modulus, remainder };
}

class Tokens {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    const end = text.trimEnd().length;
    TOKEN.lastIndex = 0;
    for (let position = 0; position < end; position = TOKEN.lastIndex) {
      TOKEN.lastIndex = position;
      const groups = TOKEN.exec(text)?.groups;
      if (groups === undefined) throw this.#wrong(text.slice(position).trim());
      const [kind, found = ''] = Object.entries(groups).find(([, group]) => group !== undefined) ?? ['end'];
      this.#tokens.push({ kind: kind as Token['kind'], text: found });
    }
    // A text of PostgreSQL cannot contain this character.
    if (text.includes('\0')) throw this.#wrong('\\0');
  }

  takeWord(word: string): boolean {
    const { kind, text } = this.#peek();
    if (kind !== 'word' || text.toUpperCase() !== word) return false;
    this.#next++;
    return true;
  }

  word(word: string): void {
    if (!this.takeWord(word)) throw this.#unexpected();
  }

  sign(sign: string): void {
    const { kind, text } = this.#peek();
    if (kind !== 'sign' || text !== sign) throw this.#unexpected();
    this.#next++;
  }

  integer(): number {
    const { kind, text } = this.#peek();
    if (kind !== 'number' || !/^\d+$/.test(text) || Number(text) > LARGEST_INTEGER) throw this.#unexpected();
    this.#next++;
    return Number(text);
  }

  /** Parses `( value, ... )`. */
  list(keywords: readonly string[]): BoundValue[] {
    this.sign('(');
    const values = [this.#value(keywords)];
    while (this.#peek().text === ',') {
      this.#next++;
      values.push(this.#value(keywords));
    }
    this.sign(')');
    return values;
  }

  end(): void {
    if (this.#peek().kind !== 'end') throw this.#unexpected();
  }

  #value(keywords: readonly string[]): BoundValue {
    const { kind, text } = this.#peek();
    const keyword = text.toUpperCase();
    const value =
      kind === 'string'
        ? { literal: text.slice(1, -1).replaceAll("''", "'") }
        : kind === 'number'
          ? { literal: text }
          : kind === 'word' && (keyword === 'TRUE' || keyword === 'FALSE')
            ? { literal: keyword.toLowerCase() }
            : kind === 'word' && keywords.includes(keyword)
              ? ({ keyword } as BoundValue)
              : undefined;
    if (value === undefined) throw this.#unexpected();
    this.#next++;
    return value;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '' };
  }

  #unexpected(): InvalidInput {
    const { kind, text } = this.#peek();
    return this.#wrong(kind === 'end' ? undefined : text);
  }

  #wrong(at: string | undefined): InvalidInput {
    const where = at === undefined ? 'it ends too early' : `${short(at)} is not expected there`;
    return new InvalidInput(`${short(this.#text)} is not the bound of a partition: ${where}; write ${EXPECTED}`);
  }
}

function short(text: string): string {
  const line = echoed(text);
  return line.length > 80 ? `${line.slice(0, 79)}…"` : line;
}
