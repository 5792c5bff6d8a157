/** Parts of a psql script: comments, statements, transactions. Pure. */
import { visible } from '../../contracts/safe-text.ts';

/** A statement with the lock that it takes, in words. */
export interface LockedStatement {
  readonly sql: string;
  readonly lock?: string;
}

/** A comment of one line, whatever line breaks a name holds: no name can end it and be taken for SQL. */
export function comment(text: string): string {
  return `-- ${visible(text.replace(/\s*[\n\r\u2028\u2029]\s*/g, ' '))}`;
}

/** A statement with its semicolon, under a comment that says what it locks. */
export function statement({ sql, lock }: LockedStatement): string {
  const ended = /;\s*$/.test(sql) ? sql.trimEnd() : `${sql.trimEnd()};`;
  return lock === undefined ? ended : `${comment(`lock: ${lock}`)}\n${ended}`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A DO block; no name in it can end its text. */
export function block(body: string): string {
  let tag = 'check';
  while (body.includes(`$${tag}$`)) tag += '_';
  return `DO $${tag}$\n${body}\n$${tag}$;`;
}

/** What fires code of the application runs under the search_path that the session came with, all else under our own. */
export function underCallersPath(statements: readonly LockedStatement[], { local }: { local: boolean }): string[] {
  if (statements.length === 0) return [];
  return [
    `SELECT set_config('search_path', :'caller_search_path', ${local}) AS ignored \\gset`,
    ...statements.map(statement),
    `SET ${local ? 'LOCAL ' : ''}search_path = pg_catalog, pg_temp;`,
  ];
}

/** The end of a script: what it has changed of its session that a session of a person would miss. */
export const GIVE_BACK =
  "SELECT set_config('role', :'caller_role', false) AS ignored, set_config('search_path', :'caller_search_path', false) AS ignored \\gset";

export interface Limits {
  /** Milliseconds that each lock of the transaction may be waited for, and 0 without a limit. */
  readonly lockMs: number;
  /** Milliseconds that each statement may take, and 0 without a limit. */
  readonly statementMs: number;
}

/** One transaction, past the fence of the ledger. */
export function transaction(
  enter: 'enter' | 'enter_rollback',
  { lockMs, statementMs }: Limits,
  lines: readonly string[],
): string[] {
  return [
    'BEGIN;',
    // A COMMIT that waits for a synchronous standby would keep the locks meanwhile.
    'SET LOCAL synchronous_commit = local;',
    `SELECT p2pfk.${enter}(:migration_id, :'execution') AS ignored \\gset`,
    `SET LOCAL lock_timeout = ${lockMs};`,
    `SET LOCAL statement_timeout = ${statementMs};`,
    ...lines,
    'COMMIT;',
  ];
}

/** A file of sql/ whose rows become a JSON list in :result. */
export function asRows(text: string): string[] {
  return [
    "\\set begin 'WITH q AS ('",
    "\\set end ') SELECT coalesce(jsonb_agg(to_jsonb(q)), ''[]'') AS result FROM q \\\\gset'",
    text.trimEnd(),
  ];
}
