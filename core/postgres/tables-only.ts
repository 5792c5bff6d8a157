/** Reads of the application's tables, in which the server itself refuses a view or a foreign table that took a table's name. */
import type { Client } from 'pg';
import { runNow } from './sql.ts';

/**
 * While `work` runs, this session reads no view and no foreign table but PostgreSQL's own, on a server that knows
 * restrict_nonsystem_relation_kind (13.16, 14.13, 15.8, 16.4 and newer). Which relation is meant was decided by its oid, but a query
 * can only name it, and its owner may have given the name to another relation meanwhile. No DDL in `work`: an event trigger may use views.
 */
export async function readTablesOnly<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  await runNow(client, 'checks/tables-only', { kinds: 'view, foreign-table' });
  try {
    return await work();
  } finally {
    // In a transaction that has failed this fails too, and its rollback puts the setting back.
    await runNow(client, 'checks/tables-only', { kinds: '' }).catch(() => undefined);
  }
}
