/** Names of a new pair, derived from the names of the table's existing pairs. Only if all of them follow one rule. */
import type { BoundValue, PartitionBound } from './bound.ts';

/** The parts of a relation's name, unquoted. */
export interface RelationName {
  readonly schema: string;
  readonly name: string;
}

/** Names of both partitions. */
export interface PairNames {
  readonly referencing: RelationName;
  readonly referenced: RelationName;
}

/** An existing pair: its names, and the bound of its referencing partition. */
export interface Sibling extends PairNames {
  readonly bound: PartitionBound;
}

/** Names of a new pair; the second is undefined where it cannot be derived. */
export interface NewNames {
  readonly referencing: RelationName;
  readonly referenced: RelationName | undefined;
}

/** Makes, from a bound, the part of a partition's name that distinguishes it; undefined where it cannot. */
type Rule = (bound: PartitionBound) => string | undefined;

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[ T]|$)/;

function only(values: readonly BoundValue[]): string | undefined {
  const [value, ...more] = values;
  return value && 'literal' in value && more.length === 0 ? value.literal : undefined;
}

/** The value that a partition begins with: the only value of a LIST, the lower end of a RANGE. */
function value(bound: PartitionBound): string | undefined {
  if (bound.strategy === 'list') return only(bound.values);
  return bound.strategy === 'range' ? only(bound.from) : undefined;
}

function allValues(bound: PartitionBound): string | undefined {
  if (bound.strategy !== 'list') return undefined;
  const texts = bound.values.map((item) => ('literal' in item ? item.literal : item.keyword));
  return texts.map(plain).join('_');
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
}

function date(format: (year: string, month: string, day: string) => string): Rule {
  return (bound) => {
    const [, year, month, day] = DATE.exec(value(bound) ?? '') ?? [];
    return year && month && day ? format(year, month, day) : undefined;
  };
}

const quarter = (month: string) => Math.ceil(Number(month) / 3);

/** In the order in which they are tried: rules that use the whole bound before rules that use a part of it. */
const RULES: readonly Rule[] = [
  value,
  (bound) => {
    const text = value(bound);
    return text === undefined ? undefined : plain(text);
  },
  allValues,
  (bound) => (bound.strategy === 'range' ? fromTo(bound.from, bound.to) : undefined),
  ...['', '_', '-'].flatMap((sign) => [
    date((year, month, day) => [year, month, day].join(sign)),
    date((year, month) => [year, month].join(sign)),
  ]),
  date((year, month, day) => `y${year}m${month}d${day}`),
  date((year, month) => `y${year}m${month}`),
  date((year, month) => `${year}q${quarter(month)}`),
  date((year, month) => `${year}_q${quarter(month)}`),
  date((year) => year),
  ...[1, 2, 3, 4].flatMap((digits) => [hash(0, digits), hash(1, digits)]),
];

function fromTo(from: readonly BoundValue[], to: readonly BoundValue[]): string | undefined {
  const [first, last] = [only(from), only(to)];
  return first === undefined || last === undefined ? undefined : `${plain(first)}_${plain(last)}`;
}

/** The remainder, counted from 0 or 1. */
function hash(first: number, digits: number): Rule {
  return (bound) => (bound.strategy === 'hash' ? String(bound.remainder + first).padStart(digits, '0') : undefined);
}

/** The first `length` characters, where every known value is longer; otherwise the name would be the whole value. */
function beginning(length: number): Rule {
  return (bound) => {
    const text = value(bound);
    return text !== undefined && text.length > length ? text.slice(0, length) : undefined;
  };
}

/** The names for a pair with this bound, by the pattern of `siblings`; undefined where there is no clear pattern. */
export function namesByBound(siblings: readonly Sibling[], bound: PartitionBound): NewNames | undefined {
  if (bound.strategy === 'default') return namesBySuffix(siblings, 'default');
  const alike = siblings.filter((sibling) => sibling.bound.strategy === bound.strategy);
  const longest = Math.max(0, ...alike.map((sibling) => sibling.referencing.name.length));
  const rules = [...RULES, ...Array.from({ length: longest }, (_, index) => beginning(longest - index))];
  for (const rule of rules) {
    const [referencing, referenced] = [side(alike, 'referencing', rule), side(alike, 'referenced', rule)];
    if (referencing === undefined || (referenced === undefined && !coarse(alike))) continue;
    const suffix = rule(bound);
    // The first rule that holds is the pattern. If it has no name for this bound, there is none.
    return suffix === undefined || suffix === '' ? undefined : withSuffix(referencing, referenced, suffix);
  }
  return undefined;
}

/** Whether one referenced partition is the partner of several: then no new one is named after a referencing one. */
function coarse(siblings: readonly Sibling[]): boolean {
  return new Set(siblings.map(({ referenced }) => JSON.stringify(referenced))).size < siblings.length;
}

/**
 * The common beginning of all names of one side, before the part that `rule` makes; undefined where the rule does not hold for
 * all.
 */
function side(siblings: readonly Sibling[], which: keyof PairNames, rule: Rule): RelationName | undefined {
  const prefixes = siblings.map((sibling) => {
    const { schema, name } = sibling[which];
    const suffix = rule(sibling.bound);
    if (suffix === undefined || suffix === '' || !name.endsWith(suffix)) return undefined;
    const prefix = name.slice(0, -suffix.length);
    // The 0 at the end of path_10 is no remainder, and the u of path_eu is no value: each is a part of a longer word.
    if (prefix === '' || (/\d$/.test(prefix) && /^\d/.test(suffix))) return undefined;
    return /\p{L}$/u.test(prefix) && /^\p{L}/u.test(suffix) ? undefined : { schema, name: prefix };
  });
  return allTheSame(prefixes);
}

/** Names with a given suffix behind the words that all names of their side begin with. */
export function namesBySuffix(siblings: readonly Sibling[], suffix: string): NewNames | undefined {
  const referencing = commonWords(siblings, 'referencing');
  const referenced = coarse(siblings) ? undefined : commonWords(siblings, 'referenced');
  return referencing && (referenced || coarse(siblings)) ? withSuffix(referencing, referenced, suffix) : undefined;
}

/** Name of the referenced partition for a referencing one that exists already. */
export function partnerName(siblings: readonly Sibling[], referencing: RelationName): RelationName | undefined {
  const prefix = commonWords(siblings, 'referencing');
  if (!prefix || prefix.schema !== referencing.schema || !referencing.name.startsWith(prefix.name)) return undefined;
  const suffix = referencing.name.slice(prefix.name.length);
  return suffix === '' ? undefined : namesBySuffix(siblings, suffix)?.referenced;
}

/**
 * The words, each up to its underscore, that all names of a side begin with. A word with a digit is never one of them: `2024` in
 * `path_2024_01` is a part of what distinguishes partitions, even if all are of one year so far.
 */
function commonWords(siblings: readonly Sibling[], which: keyof PairNames): RelationName | undefined {
  const [first, ...others] = siblings.map((sibling) => sibling[which]);
  if (!first || !allTheSame([first, ...others].map(({ schema }) => ({ schema, name: '' })))) return undefined;
  let prefix = '';
  for (const word of first.name.split('_').slice(0, -1)) {
    const longer = `${prefix}${word}_`;
    if (/\d/.test(word) || !others.every(({ name }) => name.startsWith(longer))) break;
    prefix = longer;
  }
  return prefix === '' ? undefined : { schema: first.schema, name: prefix };
}

function allTheSame(names: readonly (RelationName | undefined)[]): RelationName | undefined {
  const [first] = names;
  return first && names.every((name) => name?.schema === first.schema && name.name === first.name) ? first : undefined;
}

function withSuffix(referencing: RelationName, referenced: RelationName | undefined, suffix: string): NewNames {
  const named = ({ schema, name }: RelationName) => ({ schema, name: `${name}${suffix}` });
  return { referencing: named(referencing), referenced: referenced && named(referenced) };
}
