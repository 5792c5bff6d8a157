/** Tables that an audit of the whole database does not read: one role's code must neither run nor keep it from the other tables. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { untrustedCodeOf } from '../catalog/untrusted-code.ts';
import { shellWord } from '../contracts/safe-text.ts';
import type { Drift } from './drift.ts';

/** Nothing but the name of the table is known. */
export interface UnreadTable {
  readonly table: string;
  /** Why, as a sentence without its end. */
  readonly why: string;
  readonly remedy: string;
}

/** By the oid of the referencing table. */
export async function tablesWithUntrustedCode(
  client: Client,
  foreignKeys: readonly ForeignKey[],
): Promise<Map<number, UnreadTable>> {
  const found = new Map<number, UnreadTable>();
  for (const foreignKey of foreignKeys) {
    if (found.has(foreignKey.referencing_oid)) continue;
    const code = await untrustedCodeOf(client, foreignKey);
    if (code) found.set(foreignKey.referencing_oid, { table: foreignKey.table, why: code.what, remedy: code.remedy });
  }
  return found;
}

/** @param owner of it, or of one of its partitions or of those that it references */
export function strangersTable(table: string, owner: string): UnreadTable {
  return {
    table,
    why: `no ledger knows the foreign keys of its partitions, and reading it could run code of ${owner}, who owns some of these tables, with the rights of this login`,
    remedy: `audit it as that role, or by its name, if you trust the role with this login's rights: p2pfk audit --table ${shellWord(table)}`,
  };
}

export function tableNotRead({ why, remedy }: UnreadTable): Drift {
  return {
    finding: { id: 'table-not-read', severity: 'warning', message: `not audited: ${why}`, remedy },
    partition: null,
    steps: [],
  };
}
