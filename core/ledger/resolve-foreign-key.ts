/** Finds the foreign key that `--table` and `--constraint` name: in the catalog, or in the ledger where it is migrated. */
import type { Client } from 'pg';
import { isForeignKey, means, PARTITIONED } from '../catalog/catalog-foreign-key.ts';
import { type ForeignKey, listForeignKeys, type Purpose, readForeignKey } from '../catalog/foreign-key.ts';
import { resolveWithoutLedger } from '../catalog/lost-foreign-key.ts';
import { nearestTables, tablesInstead } from '../catalog/meant-tables.ts';
import { refuseUnsafeReturn, refuseUntrustedCode } from '../catalog/untrusted-code.ts';
import { InvalidInput } from '../contracts/errors.ts';
import { redact } from '../contracts/redact.ts';
import { approvalProblem } from './approval-check.ts';
import { type LedgerMigration, openMigrations } from './migrations.ts';
import { refuseReplacedTables } from './replaced-tables.ts';

/**
 * The foreign key of `table`: the parent FK that exists, or the migrated one that the ledger or the pair FKs still show.
 *
 * @throws InvalidInput when the names do not identify one foreign key; the message says which names there are
 * @throws UntrustedCode when reading and comparing its keys would run another role's code with rights that this role does not
 *   have
 */
export async function resolveForeignKey(
  client: Client,
  wanted: { readonly table: string; readonly constraint?: string | undefined },
  purpose: Purpose,
): Promise<ForeignKey> {
  const foreignKey = await findForeignKey(client, wanted, purpose);
  // An approval writes one row of the ledger, and compares nothing.
  if (purpose === 'rollback') await refuseUnsafeReturn(client, foreignKey);
  else if (purpose !== 'approve') await refuseUntrustedCode(client, foreignKey);
  return foreignKey;
}

async function findForeignKey(
  client: Client,
  wanted: { readonly table: string; readonly constraint?: string | undefined },
  purpose: Purpose,
): Promise<ForeignKey> {
  const existing = await listForeignKeys(client, wanted.table);
  const [first] = existing;
  if (!first) throw await noSuchTable(client, wanted.table);
  if (first.table_kind !== PARTITIONED) {
    const instead = await tablesInstead(client, first.table_oid);
    const why =
      instead?.reason ??
      'there is no foreign key between partitions to make; only a parent-level foreign key between two partitioned tables can be migrated';
    throw new InvalidInput(
      `table ${first.table_name} is not partitioned: ${why}`,
      {},
      { choices: instead?.choices ?? [] },
    );
  }
  const open = await openMigrations(client, first.table_oid);
  await refuseReplacedTables(client, first.table_name, open);
  const keys = existing.filter(isForeignKey);
  const parentForeignKeys = keys.filter((key) => key.referenced_kind === PARTITIONED);
  const gone = open.filter((migration) => !keys.some((key) => key.constraint_name === migration.constraint_name));

  const choices =
    purpose === 'rollback' || purpose === 'approve'
      ? open.map((migration) => migration.constraint_name)
      : [...parentForeignKeys.map((key) => key.constraint_name), ...gone.map((migration) => migration.constraint_name)];
  // To migrate, parent FKs that still exist have precedence; to approve, migrations that wait. Others are considered only where
  // there are none.
  const withPrecedence =
    purpose === 'migrate'
      ? parentForeignKeys.map((key) => key.constraint_name)
      : purpose === 'approve'
        ? open.filter(waitsForApproval).map((migration) => migration.constraint_name)
        : [];
  const preferred = withPrecedence.length > 0 ? withPrecedence : choices;
  const matching =
    wanted.constraint === undefined ? preferred : choices.filter((name) => means(wanted.constraint as string, name));

  if (matching.length > 1) {
    throw new InvalidInput(
      `table ${first.table_name} has ${matching.length} foreign keys to partitioned tables (${matching.join(', ')}): choose one with --constraint`,
      {},
      { choices: matching.map((constraint) => ({ table: first.table_name, constraint })) },
    );
  }
  const [name] = matching;
  if (name === undefined) return resolveWithoutLedger(client, first, existing, wanted.constraint, purpose);

  const parent = keys.find((key) => key.constraint_name === name);
  const migration = open.find((candidate) => candidate.constraint_name === name);
  if (parent) return readForeignKey(client, parent, migration?.id ?? null);
  if (migration) {
    return {
      ...migration,
      referencing_oid: migration.table_oid,
      table: migration.table_name,
      referencedTable: migration.referenced_name,
      constraint_oid: null,
      displayDefinition: migration.definition,
      migrationId: migration.id,
    };
  }
  throw new InvalidInput(`table ${first.table_name} has no foreign key ${redact(name)}`);
}

/** With the nearest names, where there are any. */
export async function noSuchTable(client: Client, written: string): Promise<InvalidInput> {
  const choices = await nearestTables(client, written);
  const near = choices.length === 0 ? '' : ` (did you mean ${choices.map(({ table }) => table).join(' or ')}?)`;
  return new InvalidInput(
    `table ${redact(written)} does not exist${near}; name it as SQL does, with its schema where the search_path does not lead to it`,
    {},
    { choices },
  );
}

function waitsForApproval(migration: LedgerMigration): boolean {
  const { state, approval_asked_at: askedAt } = migration;
  return (state === 'running' || state === 'paused') && askedAt !== null && approvalProblem(migration) !== null;
}
