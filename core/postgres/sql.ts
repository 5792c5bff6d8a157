/** Runs the queries of `sql/`: psql variables (`:'table'`) become parameters (`$1`), so psql and we run the same text. */
import { channel } from 'node:diagnostics_channel';
import { type Client, type ClientBase, escapeLiteral, type QueryResult, type QueryResultRow } from 'pg';
import { executePrepared } from './literals.ts';
import { toQueryError } from './postgres-errors.ts';
import { hasDeadline, together as inOnePacket } from './session/deadline.ts';
import { readSql } from './sql-files.ts';
import type { Queries } from './sql-types.ts';

/** A parameter's value. Objects and arrays are sent as JSON text; every use in `sql/` carries its own cast. */
export type SqlValue = string | number | boolean | null | object;

/** Name of a file of `sql/` that holds one query, such as `catalog/pairs`. */
export type QueryName = keyof Queries;

/** A row of a query; of one of several queries, where `Name` is several names. */
export type Row<Name extends QueryName> = Queries[Name]['row'];

/** The parameters of a query; those of all queries together, where `Name` is several names. */
export type Values<Name extends QueryName> = Together<Queries[Name]['values']>;

/** A | B -> A & B. */
type Together<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** A query without parameters needs no values. */
export type Arguments<Name extends QueryName> = keyof Values<Name> extends never
  ? [values?: object]
  : [values: Values<Name>];

/** Channel of node:diagnostics_channel on which each answer to a query of `sql/` is published: tests look at it. */
export const ROWS_READ = 'p2pfk:rows-read';
export interface RowsRead {
  readonly name: string;
  readonly rows: readonly QueryResultRow[];
}
const rowsRead = channel(ROWS_READ);

/** For what sends the text of a query in another way. */
export function publishRows(name: string, rows: readonly QueryResultRow[]): void {
  if (rowsRead.hasSubscribers) rowsRead.publish({ name, rows } satisfies RowsRead);
}

interface PreparedText {
  readonly text: string;
  readonly parameters: readonly string[];
}

const prepared = new Map<string, PreparedText>();

/**
 * Lines around a query: psql variables by which the scripts of `sql/psql` say what is to become of its rows, as psql cannot
 * take up the rows of an included file that ends with a semicolon. To us they mean nothing.
 */
const FRAME = /^:(?:begin|end)\n/gm;

/** The query of a file of `sql/`, for a text that psql runs as a part of another one. */
export function withoutFrame(sql: string): string {
  return sql.replaceAll(FRAME, '');
}

/** Comments, dollar-quoted text and literals, in which psql replaces nothing; else a quoted variable. */
export const TOKEN = /--[^\n]*|\$([A-Za-z_]*)\$[\s\S]*?\$\1\$|'(?:[^']|'')*'|(?<!:):'([a-z_]+)'/g;

/** Turns psql's quoted variables into numbered parameters; the same name becomes the same number. */
export function toParameters(sql: string): PreparedText {
  const parameters: string[] = [];
  const text = withoutFrame(sql).replace(TOKEN, (token: string, _tag: string | undefined, name: string | undefined) => {
    if (name === undefined) return token;
    if (!parameters.includes(name)) parameters.push(name);
    return `$${parameters.indexOf(name) + 1}`;
  });
  return { text, parameters };
}

/** The text of `sql/<name>.sql` with its values written into it, for what can have no parameters. */
export function withLiterals<Name extends QueryName>(name: Name, values: Values<Name>): string;
export function withLiterals(name: string, values: Readonly<Record<string, SqlValue | undefined>>): string {
  return withoutFrame(readSql(name)).replace(TOKEN, (token: string, _tag: string | undefined, parameter?: string) => {
    if (parameter === undefined) return token;
    const value = values[parameter];
    if (value === undefined || value === null) throw new Error(`sql/${name}.sql needs the parameter ${parameter}`);
    return escapeLiteral(typeof value === 'object' ? JSON.stringify(value) : String(value));
  });
}

function load(name: string): PreparedText {
  const known = prepared.get(name);
  if (known) return known;
  const loaded = toParameters(readSql(name));
  prepared.set(name, loaded);
  return loaded;
}

interface KeptPlans {
  /** Of the names of the prepared statements. */
  readonly prefix: string;
  /** Queries that have been planned. */
  readonly names: Set<string>;
}

/** Sessions inside {@link withPlansKept}, or of {@link keepPlans}: how the names of their prepared statements begin. */
const keeping = new WeakMap<ClientBase, KeptPlans>();
/** Sessions that keep their plans from one step to the next. */
const lasting = new WeakMap<ClientBase, KeptPlans>();
let kept = 0;

/**
 * While `work` runs, this session plans each query of `sql/` when it first asks it, and not again. To plan one takes many times as
 * long as to answer it, so what is asked under strong locks is asked once before them, too.
 *
 * The plans are generic, made for any values. Call it outside a transaction.
 */
export async function withPlansKept<Result>(client: ClientBase, work: () => Promise<Result>): Promise<Result> {
  if (lasting.has(client) && keeping.has(client)) return withLastingPlans(client, work);
  await client.query("SELECT set_config('plan_cache_mode', 'force_generic_plan', false)");
  keeping.set(client, newPlans());
  try {
    return await work();
  } finally {
    keeping.delete(client);
    // The values of sql/session.sql. Where the session is gone, so is all of it.
    await client.query('SET plan_cache_mode = auto; DEALLOCATE ALL').catch(() => undefined);
  }
}

/**
 * From here on, inside {@link withPlansKept} or {@link keepPlans}, nothing is asked by a name: the texts are sent anew. Behind a statement
 * that may have run code of another role, which can DEALLOCATE a name and PREPARE its own statement by it, and a transaction takes neither
 * back.
 */
export function forgetPlans(client: ClientBase): void {
  keeping.delete(client);
}

/** Sessions inside {@link withPlansKept} that have their plans from {@link keepPlans}. */
const inside = new WeakSet<ClientBase>();

async function withLastingPlans<Result>(client: ClientBase, work: () => Promise<Result>): Promise<Result> {
  inside.add(client);
  try {
    return await work();
  } finally {
    inside.delete(client);
    forgetPlans(client);
  }
}

/**
 * {@link forgetPlans} where a statement fires code of the application, such as event triggers, for a session of {@link keepPlans}. Inside
 * {@link withPlansKept} the caller decides.
 */
export function forgetLastingPlans(client: ClientBase): void {
  if (lasting.has(client) && !inside.has(client)) forgetPlans(client);
}

function newPlans(): KeptPlans {
  return { prefix: `p2pfk_${++kept}/`, names: new Set() };
}

/** {@link withPlansKept} for the rest of a session, whose plan_cache_mode the caller sets. To be called again after {@link forgetPlans}. */
export function keepPlans(client: ClientBase): void {
  const plans = lasting.get(client) ?? newPlans();
  lasting.set(client, plans);
  keeping.set(client, plans);
}

/** Names of the prepared statements that a session of {@link keepPlans} has, as far as it is ours. */
export function plansKept(client: ClientBase): readonly string[] {
  const { prefix = '', names = new Set<string>() } = lasting.get(client) ?? {};
  return [...names].map((name) => prefix + name);
}

/** Inside {@link withPlansKept}, for the rest of a savepoint: plans of statements that are not questions are made as usual. */
export const PLANS_OF_THE_SERVER = "set_config('plan_cache_mode', 'auto', true)";

/** A query of `sql/` as it was asked. */
export interface Question {
  readonly name: string;
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** Sessions inside {@link noteQuestions}. */
const noting = new WeakMap<ClientBase, Question[]>();

interface AskedTogether {
  readonly client: Client;
  readonly questions: readonly Question[];
  /** In the order of the questions; undefined: the next one of them asks them all. */
  answers: Promise<QueryResultRow[][]> | undefined;
}

/** Sessions inside {@link askTogether}. */
const together = new WeakMap<ClientBase, AskedTogether>();

function isSame(one: Question, other: Question): boolean {
  return one.name === other.name && one.values.every((value, index) => value === other.values[index]);
}

/** Runs `work`, and returns the queries of `sql/` that it ran, for {@link askTogether}: they are asked again under locks. */
export async function noteQuestions<Result>(
  client: ClientBase,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly questions: readonly Question[] }> {
  const questions: Question[] = [];
  noting.set(client, questions);
  try {
    return { result: await work(), questions };
  } finally {
    noting.delete(client);
  }
}

/**
 * Runs `work` that reads what it has read before. The first of these questions that it asks takes all others along, in one round trip.
 * If an answer has changed since, the questions that depend on it have changed, too: they are asked one by one.
 */
export async function askTogether<Result>(
  client: Client,
  questions: readonly Question[],
  work: () => Promise<Result>,
): Promise<Result> {
  together.set(client, { client, questions, answers: undefined });
  try {
    return await work();
  } finally {
    together.delete(client);
  }
}

/** Discards the answers of {@link askTogether}, because a statement is about to change something. */
export function forgetAnswers(client: ClientBase): void {
  const asked = together.get(client);
  if (asked) asked.answers = undefined;
}

/**
 * Runs `sql/<name>.sql` and returns its rows. Parameters, columns and their types are those of the file: core/postgres/sql-types.ts.
 * Values not named by the query are ignored, so one object can serve several queries; a missing one is a type error.
 */
export function run<Name extends QueryName>(
  client: ClientBase,
  name: Name,
  ...values: Arguments<Name>
): Promise<Row<Name>[]>;
export async function run(
  client: ClientBase,
  name: string,
  values: Readonly<Record<string, SqlValue | undefined>> = {},
): Promise<QueryResultRow[]> {
  const question = questionOf(name, values);
  noting.get(client)?.push(question);
  const asked = together.get(client);
  const index = asked?.questions.findIndex((one) => isSame(one, question)) ?? -1;
  if (!asked || index < 0) return ask(client, question);
  asked.answers ??= inOnePacket<QueryResultRow[][]>(
    asked.client,
    ...asked.questions.map((one) => () => ask(client, one)),
  );
  return (await asked.answers)[index] ?? [];
}

/**
 * Like {@link run}, for a query that is not a question: it changes a setting, or depends on one. Its answer is never taken from
 * {@link askTogether}.
 */
export function runNow<Name extends QueryName>(
  client: ClientBase,
  name: Name,
  ...values: Arguments<Name>
): Promise<Row<Name>[]>;
export function runNow(
  client: ClientBase,
  name: string,
  values: Readonly<Record<string, SqlValue | undefined>> = {},
): Promise<QueryResultRow[]> {
  return ask(client, questionOf(name, values));
}

function questionOf(name: string, values: Readonly<Record<string, SqlValue | undefined>>): Question {
  const { text, parameters } = load(name);
  const list = parameters.map((parameter) => {
    const value = values[parameter];
    if (value === undefined) throw new Error(`sql/${name}.sql needs the parameter ${parameter}`);
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
  });
  return { name, text, values: list };
}

async function ask(client: ClientBase, question: Question): Promise<QueryResultRow[]> {
  try {
    const { rows } = await send(client, question);
    publishRows(question.name, rows);
    return rows;
  } catch (error) {
    throw toQueryError(error, question.name);
  }
}

function send(client: ClientBase, question: Question): Promise<QueryResult<QueryResultRow>> {
  const plans = keeping.get(client);
  return plans && (!hasDeadline(client) || plans.names.has(question.name))
    ? askPlanned(client, plans, question)
    : client.query<QueryResultRow>(question.text, [...question.values]);
}

/** With a deadline a statement is one message: it runs by EXECUTE what has been planned before. */
async function askPlanned(
  client: ClientBase,
  { prefix, names }: KeptPlans,
  { name, text, values }: Question,
): Promise<QueryResult<QueryResultRow>> {
  if (hasDeadline(client)) return client.query<QueryResultRow>(executePrepared(prefix + name, values));
  const result = await client.query<QueryResultRow>({ name: prefix + name, text, values: [...values] });
  names.add(name);
  return result;
}

/** Like {@link run}, for queries that return exactly one row. */
export async function runOne<Name extends QueryName>(
  client: ClientBase,
  name: Name,
  ...values: Arguments<Name>
): Promise<Row<Name>> {
  const [row, ...more] = await run(client, name, ...values);
  if (!row || more.length > 0)
    throw new Error(`sql/${name}.sql returned ${more.length + (row ? 1 : 0)} rows instead of 1`);
  return row;
}
