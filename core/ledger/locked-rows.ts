/**
 * Locks on rows of the ledger. Who may UPDATE one column of a row may lock all of it: an approver, with `SELECT ... FOR SHARE`, can make every
 * step wait that writes to the migration's row. PostgreSQL does not say who: it says on which table.
 */
import type { Client } from 'pg';
import { LockTimeout, type P2pfkError } from '../contracts/errors.ts';
import { readOurSessions } from '../postgres/locks/blockers.ts';
import { describeHolders } from '../postgres/locks/describe-holders.ts';
import { lockHolders, type RelationHolder } from '../postgres/locks/lock-wait.ts';
import { runOne } from '../postgres/sql.ts';

/** Tables of the ledger, as PostgreSQL's CONTEXT names the one whose row was waited for, in any language. */
const LEDGER_TABLE = /\b(migration|pair|event|running|identity|ledger_version)\b/;
/** It has the place of the row as well, which the line of a function of the application has not. */
const PLACE_OF_ROW = /\(\d+,\d+\)/;

/** The sessions of others that have locked rows of a table of the ledger, the oldest transaction first. */
export async function rowHolders(client: Client, table = 'migration'): Promise<readonly RelationHolder[]> {
  const { oid } = await runOne(client, 'ledger/table-oid', { name: table });
  if (oid === null) return [];
  const holders = await lockHolders(client, [oid], 'FOR UPDATE');
  if (holders.length === 0) return [];
  const ours = new Set(await readOurSessions(client));
  return holders.filter(({ pid }) => !ours.has(pid));
}

/** Whether an error is a row of the ledger that was not free: the table's name. */
function lockedTable(error: P2pfkError): string | undefined {
  const { sqlState, where = '', holders } = error.context;
  // Of a wait for a row PostgreSQL tells the table in its CONTEXT; of one for a whole table, whose holders are named already, nothing.
  if (!(error instanceof LockTimeout) || sqlState !== '55P03' || holders !== undefined) return undefined;
  return PLACE_OF_ROW.test(where) ? LEDGER_TABLE.exec(where)?.[1] : undefined;
}

/** Part of a message: who has locked rows of the ledger, and what to do. */
export function describeRowHolders(holders: readonly RelationHolder[]): string {
  return `a row of the ledger is locked: ${describeHolders(holders)}; it goes on when that transaction has ended`;
}

/** The same error, or where it was a row of the ledger that was not free, one that names who has locked it. */
export async function explainLockedRow(client: Client, error: P2pfkError): Promise<P2pfkError> {
  const table = lockedTable(error);
  if (table === undefined) return error;
  const holders = await rowHolders(client, table);
  if (holders.length === 0) return error;
  return new LockTimeout(
    `${describeRowHolders(holders)} (${error.message})`,
    { ...error.context, holders },
    { cause: error },
  );
}
