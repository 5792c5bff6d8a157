/** Statements with their values as literals, for what has to be one message. */
import { escapeIdentifier, escapeLiteral } from 'pg';

/** Comments, dollar-quoted text, literals and quoted names, in which nothing is replaced; else a parameter. */
const TOKEN = /--[^\n]*|\$([A-Za-z_]*)\$[\s\S]*?\$\1\$|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)/g;

/**
 * The statement with each `$1` replaced by the literal of its value. PostgreSQL takes the type of a quoted literal from where it stands, as it
 * does that of a parameter.
 *
 * @param values text, numbers, truth values, null; anything else as JSON
 * @throws Error where a value is missing
 */
export function asOneMessage(text: string, values: readonly unknown[] = []): string {
  if (values.length === 0) return text;
  return text.replace(TOKEN, (token: string, _tag: string | undefined, number: string | undefined) => {
    if (number === undefined) return token;
    const value = values[Number(number) - 1];
    if (value === undefined) throw new Error(`there is no value for $${number}`);
    return literal(value);
  });
}

/**
 * A DO statement, which no name in its body can end: the names of tables and constraints are their owners', and what followed would be run by
 * the session, or by psql, which has commands for the shell.
 *
 * @param body PL/pgSQL
 */
export function doStatement(body: string): string {
  let tag = 'check';
  while (body.includes(`$${tag}$`)) tag += '_';
  return `DO $${tag}$\n${body}\n$${tag}$`;
}

/** Runs a statement that this session has prepared. */
export function executePrepared(name: string, values: readonly unknown[]): string {
  const list = values.length === 0 ? '' : `(${values.map(literal).join(', ')})`;
  return `EXECUTE ${escapeIdentifier(name)}${list}`;
}

function literal(value: unknown): string {
  if (value === null) return 'NULL';
  if (Array.isArray(value)) throw new Error('a list is no value of a statement under a deadline');
  return escapeLiteral(typeof value === 'object' ? JSON.stringify(value) : String(value));
}
