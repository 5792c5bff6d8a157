/**
 * Tables that an audit of the whole database does not read: another role's code must neither run, nor prevent the audit of the
 * other tables.
 */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { untrustedCodeOf } from '../catalog/untrusted-code.ts';
import { shellWord } from '../contracts/safe-text.ts';
import { readPairs } from '../ledger/pairs.ts';
import { run } from '../postgres/sql.ts';
import type { Drift } from './drift.ts';

/** Findings that something was not read. There can be no other findings about it, which must not be taken for "all is well". */
export const NOT_LOOKED_AT: readonly string[] = [
  'table-not-read',
  'ledger-unreadable',
  'ledger-table-gone',
  'ledger-table-replaced',
];

/** A table whose rows are not read. */
export interface UnreadTable {
  readonly table: string;
  /** Partitions that no foreign key guards, judged by the catalog only; empty where no ledger has the table. */
  readonly unprotected: readonly string[];
  /** Why it is not read, as a sentence without its end. */
  readonly why: string;
  readonly remedy: string;
}

/** Tables with code of untrusted roles, by the oid of the referencing table. */
export async function tablesWithUntrustedCode(
  client: Client,
  foreignKeys: readonly ForeignKey[],
): Promise<Map<number, UnreadTable>> {
  const found = new Map<number, UnreadTable>();
  for (const foreignKey of foreignKeys) {
    if (found.has(foreignKey.referencing_oid)) continue;
    const code = await untrustedCodeOf(client, foreignKey);
    if (code)
      found.set(foreignKey.referencing_oid, {
        table: foreignKey.table,
        unprotected: [],
        why: code.what,
        remedy: code.remedy,
      });
  }
  return found;
}

/**
 * Unguarded partitions of a foreign key that the ledger has as migrated. Reads the catalog only, so that no code of the tables
 * runs.
 */
export async function unprotectedPartitions(client: Client, foreignKey: ForeignKey): Promise<string[]> {
  const { migrationId } = foreignKey;
  if (migrationId === null) return [];
  const pairs = await readPairs(client, migrationId);
  const rows = await run(client, 'audit/unprotected-partitions', { ...foreignKey, pairs });
  return rows.map(({ partition }) => partition);
}

/** @param owner of the table, or of one of its partitions or of those that it references */
export function tableOfUntrustedOwner(table: string, owner: string): UnreadTable {
  return {
    table,
    unprotected: [],
    why: `no ledger knows the foreign keys of its partitions, and reading it could run code of ${owner}, who owns some of these tables, with the rights of this login`,
    remedy: `audit it as that role, or by its name, if you trust the role with this login's rights: p2pfk audit --table ${shellWord(table)}`,
  };
}

/** Findings for a table that is not read. */
export function tableNotRead({ why, remedy, unprotected }: UnreadTable): Drift[] {
  const unread: Drift = {
    finding: { id: 'table-not-read', severity: 'warning', message: `not audited: ${why}`, remedy },
    partition: null,
    steps: [],
  };
  const unguarded = unprotected.map(
    (partition): Drift => ({
      finding: {
        id: 'unread-partition-unprotected',
        severity: 'error',
        message: `${partition} has no valid foreign key that fires, by the catalog alone, as the table is not read: a row without a referenced row is not refused there`,
        remedy: 'remove what keeps the table from being read, then audit it again: only then can it be repaired',
      },
      partition,
      steps: [],
    }),
  );
  return [...unguarded, unread];
}
