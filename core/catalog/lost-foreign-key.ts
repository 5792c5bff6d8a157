/** A foreign key that no ledger entry has, reconstructed from the pair FKs in the catalog. */

import type { Client } from 'pg';
import { InvalidInput, PreflightFailed } from '../contracts/errors.ts';
import { redact } from '../contracts/redact.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { type CatalogForeignKey, isForeignKey, means, notPartitioned, PARTITIONED } from './catalog-foreign-key.ts';
import type { ForeignKey, Purpose } from './foreign-key.ts';
import { tablesInstead } from './meant-tables.ts';

/** What the pair FKs of a table show about a parent FK that was dropped. */
export type Shape = Row<'catalog/migrated-foreign-keys'>;

/**
 * The foreign key where no parent FK exists and no ledger has one: the pair FKs in the catalog are the only evidence.
 *
 * @throws InvalidInput, PreflightFailed with what does exist, where there are no pair FKs, or those of several foreign keys
 */
export async function resolveWithoutLedger(
  client: Client,
  table: CatalogForeignKey,
  existing: readonly CatalogForeignKey[],
  constraint: string | undefined,
  purpose: Purpose,
): Promise<ForeignKey> {
  const { table_oid, table_name } = table;
  const shapes = await run(client, 'catalog/migrated-foreign-keys', { table_oid });
  const lost = purpose === 'rollback' ? await withoutParent(client, table_oid, shapes) : shapes;
  const keys = existing.filter(isForeignKey);
  const names = keys.map((key) => key.constraint_ident);
  if (constraint !== undefined) {
    const there = names.length > 0 ? `it has ${names.join(', ')}` : 'it has no foreign key';
    const named = keys.find((key) => means(constraint, key.constraint_name));
    if (named && named.referenced_kind !== PARTITIONED) throw new InvalidInput(notPartitioned(named));
    // For a rollback, the name may be that of the parent FK, which is recorded nowhere.
    if (!named && (purpose !== 'rollback' || lost.length === 0)) {
      const pairs =
        shapes.length > 0
          ? '; its partitions have pair foreign keys that no ledger knows by name: leave --constraint out'
          : '';
      throw new InvalidInput(`table ${table_name} has no foreign key ${redact(constraint)}: ${there}${pairs}`);
    }
    if (named && purpose === 'rollback') throw new InvalidInput(nothingOpen(table_name));
  }
  const [shape] = lost;
  if (purpose === 'approve' || (purpose === 'rollback' && !shape)) {
    const message =
      purpose === 'approve'
        ? `nothing waits for approval: the ledger has no open migration of ${table_name}`
        : nothingOpen(table_name);
    const instead = keys.length === 0 ? await tablesInstead(client, table_oid) : null;
    throw new InvalidInput(
      instead === null ? message : `${message}; ${instead.reason}`,
      {},
      { choices: instead?.choices ?? [] },
    );
  }
  // Sorted by their number of pairs. Others with the same target differ in their actions, and are drift.
  const definitions = [...new Map(lost.map((one) => [target(one), one.definition])).values()];
  if (purpose !== 'rollback' && definitions.length > 1) {
    throw new InvalidInput(
      `the partitions of ${table_name} have the pair foreign keys of ${definitions.length} former foreign keys (${definitions.join('; ')}), and the ledger knows none of them; p2pfk audit --table shows each, and makes entries for them`,
    );
  }
  if (shape) {
    return {
      ...shape,
      referencing_oid: table_oid,
      table: table_name,
      referencedTable: shape.referenced_name,
      constraint_name: '',
      constraint_oid: null,
      displayDefinition: shape.definition,
      comment: null,
      firing: [],
      migrationId: null,
    };
  }
  await refuseLeafForeignKeys(client, table);
  const [only] = keys;
  if (only) throw new InvalidInput(notPartitioned(only));
  const instead = await tablesInstead(client, table_oid);
  throw new InvalidInput(
    `table ${table_name} has no foreign key: ${instead?.reason ?? 'there is nothing to migrate'}`,
    {},
    { choices: instead?.choices ?? [] },
  );
}

function nothingOpen(table: string): string {
  return `there is nothing to roll back: the ledger has no open migration of ${table}`;
}

/** What a foreign key connects, without its actions, as a key to compare. */
export function target({
  referenced_oid,
  columns,
  referenced_columns,
}: Pick<Shape, 'referenced_oid' | 'columns' | 'referenced_columns'>): string {
  return `${referenced_oid} (${columns}) (${referenced_columns})`;
}

/** Shapes for which no parent FK on the same columns exists. */
async function withoutParent(client: Client, tableOid: number, shapes: readonly Shape[]): Promise<Shape[]> {
  const found: Shape[] = [];
  for (const shape of shapes) {
    const { stands } = await runOne(client, 'audit/parent-foreign-key-stands', {
      ...shape,
      table_oid: tableOid,
    });
    if (!stands) found.push(shape);
  }
  return found;
}

/**
 * @throws PreflightFailed where partitions have their own foreign keys to a whole partitioned table, and the table itself has
 *   none
 */
async function refuseLeafForeignKeys(client: Client, { table_oid, table_name }: CatalogForeignKey): Promise<void> {
  const [found] = await run(client, 'catalog/leaf-to-parent-foreign-keys', { table_oid });
  if (!found) return;
  throw new PreflightFailed(
    `refused, nothing was changed: table ${table_name} has no foreign key, and ${found.partitions} of its partitions have one of their own to a whole partitioned table, the first being ${found.first}; add it to the table first, which takes over those of the partitions and reads the rows of the others: ALTER TABLE ${table_name} ADD ${found.definition}; then run p2pfk migrate`,
  );
}
