/** Runs queries of `sql/` for many subjects at once, in one round trip. */
import type { Client, QueryResultRow } from 'pg';
import { publishRows, type QueryName, type Row, type SqlValue, TOKEN, type Values, withoutFrame } from './sql.ts';
import { readSql } from './sql-files.ts';

/** A query as a part of a larger one. */
interface LateralText {
  readonly text: string;
  /** Name of a parameter -> type of its column: json values stay json, all others are texts that the query casts itself. */
  readonly columns: ReadonlyMap<string, 'jsonb' | 'text'>;
}

const texts = new Map<string, LateralText>();

/** What stands behind a parameter whose value is json. */
const AS_JSON = /^::jsonb\b/;

/** Alias of the row that holds the values of a subject, and its column with their number. No query has a name of that form. */
const SUBJECT = '"p2pfk subject"';
const NUMBER = 'p2pfk number';
/** Its column with the positions of the queries that are run for it, as texts. */
const ASKED = 'p2pfk asked';

function lateralText(name: string): LateralText {
  const known = texts.get(name);
  if (known) return known;
  const columns = new Map<string, 'jsonb' | 'text'>();
  const sql = withoutFrame(readSql(name)).replace(/;\s*$/, '');
  const text = sql.replace(TOKEN, (token: string, _tag: string | undefined, parameter?: string, offset = 0) => {
    if (parameter === undefined) return token;
    if (!columns.has(parameter))
      columns.set(parameter, AS_JSON.test(sql.slice(offset + token.length)) ? 'jsonb' : 'text');
    return `${SUBJECT}."${parameter}"`;
  });
  const loaded = { text, columns };
  texts.set(name, loaded);
  return loaded;
}

/**
 * Runs `sql/<name>.sql` for each of `subjects`. Each parameter becomes a column of the row that has a subject's values, and the query a
 * LATERAL subquery of it: the same text that `run` sends for one.
 *
 * @returns for each subject, in their order, the rows that `run` would return for it
 */
export async function runForEach<Name extends QueryName>(
  client: Client,
  name: Name,
  subjects: readonly Values<Name>[],
): Promise<Row<Name>[][]>;
export async function runForEach(
  client: Client,
  name: string,
  subjects: readonly Subject[],
): Promise<QueryResultRow[][]> {
  const { text, columns } = lateralText(name);
  const answers: QueryResultRow[][] = subjects.map(() => []);
  const all: QueryResultRow[] = [];
  // Nothing sorts: the rows of a subject come in the order of the query's own ORDER BY.
  const rows = await askForAll(client, subjects, columns, `${SUBJECT}."${NUMBER}", answer.*`, `(\n${text}\n) answer`);
  for (const { [NUMBER]: number, ...row } of rows) {
    answers[number]?.push(row);
    all.push(row);
  }
  publishRows(name, all);
  return answers;
}

/**
 * Runs several queries for each of `subjects`, all in one. Their rows come as json: only for queries whose columns are texts, numbers of
 * at most 53 bits, booleans and json. An oid comes as text.
 *
 * @param asks whether a query is to be run for the subject with that index; default: all are. One that is not run has no rows, and costs nothing
 * @returns for each query and each subject the rows
 */
export async function runAllForEach<Name extends QueryName>(
  client: Client,
  names: readonly Name[],
  subjects: readonly Values<Name>[],
  asks?: (name: Name, index: number) => boolean,
): Promise<{ readonly [Each in Name]: Row<Each>[][] }>;
export async function runAllForEach(
  client: Client,
  names: readonly string[],
  subjects: readonly Subject[],
  asks: (name: string, index: number) => boolean = () => true,
): Promise<Record<string, QueryResultRow[][]>> {
  const queries = names.map(lateralText);
  const columns = new Map<string, 'jsonb' | 'text'>([
    ...queries.flatMap((query) => [...query.columns]),
    [ASKED, 'jsonb'],
  ]);
  // The condition depends on the subject alone, so PostgreSQL looks at it before it runs the query (One-Time Filter).
  const parts = queries.map(
    ({ text }, index) =>
      `SELECT ${index} AS query, to_jsonb(answer) AS row FROM (\n${text}\n) answer WHERE ${SUBJECT}."${ASKED}" ? '${index}'`,
  );
  const asked = subjects.flatMap((values, position) => {
    const numbers = names.flatMap((name, query) => (asks(name, position) ? [String(query)] : []));
    return numbers.length === 0 ? [] : [{ position, values: { ...values, [ASKED]: numbers } }];
  });
  const answers = names.map(() => subjects.map((): QueryResultRow[] => []));
  const rows = await askForAll(
    client,
    asked.map(({ values }) => values),
    columns,
    `${SUBJECT}."${NUMBER}", each.query, each.row`,
    `(\n${parts.join('\nUNION ALL\n')}\n) each`,
  );
  for (const { [NUMBER]: number, query, row } of rows) answers[query]?.[asked[number]?.position ?? -1]?.push(row);
  names.forEach((name, index) => {
    publishRows(name, answers[index]?.flat() ?? []);
  });
  return Object.fromEntries(names.map((name, index) => [name, answers[index] ?? []]));
}

type Subject = Readonly<Record<string, SqlValue | undefined>>;

/** PostgreSQL takes a text of 1 GB, and JavaScript one of half of that. */
const MOST_CHARACTERS = 64_000_000;

async function askForAll(
  client: Client,
  subjects: readonly Subject[],
  columns: LateralText['columns'],
  selected: string,
  answer: string,
): Promise<QueryResultRow[]> {
  const shape = [`"${NUMBER}" int`, ...[...columns].map(([parameter, type]) => `"${parameter}" ${type}`)].join(', ');
  const text = `SELECT ${selected}\n  FROM jsonb_to_recordset($1::jsonb) AS ${SUBJECT}(${shape})\n CROSS JOIN LATERAL ${answer}`;
  const found: QueryResultRow[] = [];
  for (const chunk of chunks(subjects.map((values, index) => valuesOf(values, index, columns)))) {
    const { rows } = await client.query<QueryResultRow>(text, [`[${chunk.join(',')}]`]);
    for (const row of rows) found.push(row);
  }
  return found;
}

function valuesOf(values: Subject, index: number, columns: LateralText['columns']): string {
  const row: Record<string, SqlValue> = { [NUMBER]: index };
  for (const parameter of columns.keys()) {
    const value = values[parameter];
    if (value === undefined) throw new Error(`a query of many subjects needs the parameter ${parameter}`);
    row[parameter] = value;
  }
  return JSON.stringify(row);
}

function chunks(texts: readonly string[]): string[][] {
  const found: string[][] = [];
  let characters = Number.POSITIVE_INFINITY;
  for (const text of texts) {
    characters += text.length;
    const last = found.at(-1);
    if (last && characters <= MOST_CHARACTERS) last.push(text);
    else {
      found.push([text]);
      characters = text.length;
    }
  }
  return found;
}
