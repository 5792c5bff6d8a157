/** Parts of a psql script: comments, statements, transactions. Pure. */
import type { Statement } from '../../catalog/statements.ts';
import { visible } from '../../contracts/safe-text.ts';
import { doStatement } from '../../postgres/literals.ts';

/** A statement with what it locks, where that is told beside it. */
export type LockedStatement = Pick<Statement, 'sql'> & Partial<Pick<Statement, 'lock'>>;

/** A comment of one line, even if a name contains line breaks: no name can end the comment and be read as SQL. */
export function comment(text: string): string {
  return `-- ${visible(text.replace(/\s*[\n\r\u2028\u2029]\s*/g, ' '))}`;
}

/** A statement with its semicolon, under a comment with its lock. */
export function statement({ sql, lock }: LockedStatement): string {
  const ended = /;\s*$/.test(sql) ? sql.trimEnd() : `${sql.trimEnd()};`;
  return lock === undefined ? ended : `${comment(`lock: ${lock}`)}\n${ended}`;
}

/** A text as a literal of SQL, for standard_conforming_strings = on. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A DO block; no name in its body can end it. */
export function block(body: string): string {
  return `${doStatement(body)};`;
}

/** Statements that call code of the application, under the caller's search_path. Everything else runs under our own. */
export function underCallersPath(statements: readonly LockedStatement[], { local }: { local: boolean }): string[] {
  if (statements.length === 0) return [];
  return [
    `SELECT set_config('search_path', :'caller_search_path', ${local}) AS ignored \\gset`,
    ...statements.map(statement),
    `SET ${local ? 'LOCAL ' : ''}search_path = pg_catalog, pg_temp;`,
  ];
}

/** End of a script: restores the settings that a person would miss in the session. */
export const RESTORE_SETTINGS =
  "SELECT set_config('role', :'caller_role', false) AS ignored, set_config('search_path', :'caller_search_path', false) AS ignored \\gset";

/** Limits of a transaction. */
export interface Limits {
  /** Longest wait for each lock of the transaction, in milliseconds; 0: no limit. */
  readonly lockMs: number;
  /** Longest time of each statement, in milliseconds; 0: no limit. */
  readonly statementMs: number;
  /** Longest time of the whole transaction, psql's pauses included, in milliseconds; undefined: no limit, because no reader and no writer waits. */
  readonly budgetMs?: number;
}

/** Limits of a transaction that other sessions wait for. */
export function limits(budgetMs: number): Limits {
  return { lockMs: budgetMs, statementMs: budgetMs, budgetMs };
}

/**
 * Lines of a transaction that other sessions wait for from here on. If they take longer, the transaction is rolled back before COMMIT;
 * PostgreSQL 17 and newer end it themselves.
 */
export function withinBudget(budgetMs: number, lines: readonly string[]): string[] {
  return [
    "SELECT set_config('p2pfk.began_at', clock_timestamp()::text, true) AS ignored,",
    `       set_config('idle_in_transaction_session_timeout', '${budgetMs + 50}', true) AS ignored,`,
    `       CASE WHEN current_setting('server_version_num')::int >= 170000 THEN set_config('transaction_timeout', '${budgetMs + 100}', true) END AS ignored \\gset`,
    ...lines,
    block(
      [
        'BEGIN',
        `  IF clock_timestamp() > current_setting('p2pfk.began_at')::timestamptz + interval '${budgetMs} milliseconds' THEN`,
        `    RAISE EXCEPTION 'this transaction did not fit into the lock budget of ${budgetMs} ms; it is rolled back, and what was done before it is kept: go on in a calmer moment, or nearer to the server';`,
        '  END IF;',
        'END',
      ].join('\n'),
    ),
  ];
}

/** One transaction, which first checks the ledger's fence. */
export function transaction(
  enter: 'enter' | 'enter_rollback',
  { lockMs, statementMs, budgetMs }: Limits,
  lines: readonly string[],
): string[] {
  return [
    'BEGIN;',
    // A COMMIT that waits for a synchronous standby would keep the locks meanwhile.
    'SET LOCAL synchronous_commit = local;',
    `SELECT p2pfk.${enter}(:migration_id, :'execution') AS ignored \\gset`,
    `SET LOCAL lock_timeout = ${lockMs};`,
    `SET LOCAL statement_timeout = ${statementMs};`,
    ...(budgetMs === undefined ? lines : withinBudget(budgetMs, lines)),
    'COMMIT;',
  ];
}

/** Lines that store the rows of a file of sql/ as a JSON list in :result. */
export function asRows(text: string): string[] {
  return [
    "\\set begin 'WITH q AS ('",
    "\\set end ') SELECT coalesce(jsonb_agg(to_jsonb(q)), ''[]'') AS result FROM q \\\\gset'",
    text.trimEnd(),
  ];
}
