/** The caller's search_path: in force only for a name that a person gives, and for statements that fire code of the application. */
import type { Client } from 'pg';
import { InvalidInput } from '../../contracts/errors.ts';
import { messageOf, sqlStateOf, toNamedError } from '../postgres-errors.ts';
import { contained } from './transactions.ts';

/**
 * Runs `work` with the caller's search_path, so that an unqualified name means to us what it means to the caller; then goes
 * back to the path of `sql/session.sql`. For names that a person gives there is one query, `catalog/resolve-table`; everything else is
 * a statement that fires code of the application. What `work` sends must itself be qualified, operators included
 * (`OPERATOR(pg_catalog.=)`): anybody may have put a function or an operator into a schema of that path.
 * test/core/postgres/captured-names.test.ts scans the texts, and plants what could be captured.
 */
export async function withCallerSearchPath<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  await client.query(CALLER_SEARCH_PATH.session);
  try {
    return await work();
  } finally {
    // A SET, because under that path set_config could be another function. In a transaction that has failed this fails too, and
    // its rollback puts the setting back.
    await client.query('SET search_path = pg_catalog, pg_temp').catch(() => undefined);
  }
}

/** Statements before and after one that fires code of the application, where they are sent as one message in a transaction. */
export const CALLER_SEARCH_PATH = {
  before: "SELECT set_config('search_path', current_setting('p2pfk.caller_search_path'), true)",
  /** Where the statement is alone, outside a transaction, and the session's last one. */
  session: "SELECT set_config('search_path', current_setting('p2pfk.caller_search_path'), false)",
  after: 'SET LOCAL search_path = pg_catalog, pg_temp',
} as const;

/**
 * From now on `path` is the caller's search_path of this session; undefined leaves what it is.
 *
 * @throws InvalidInput when it is not a list of names
 */
export async function useCallerSearchPath(client: Client, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  await client.query("SELECT set_config('p2pfk.caller_search_path', $1, false)", [path]);
  try {
    await contained(client, () => withCallerSearchPath(client, () => Promise.resolve()));
  } catch (error) {
    if (sqlStateOf(error) !== '22023') throw toNamedError(error);
    throw new InvalidInput(`searchPath is not a list of schemas as SET search_path takes it: ${messageOf(error)}`);
  }
}
