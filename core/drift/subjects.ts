/** What is audited: every migrated foreign key of the ledger, and those that only the catalog shows. */
import type { Client } from 'pg';
import { type ForeignKey, parentForeignKeys, resolveTable } from '../catalog/foreign-key.ts';
import { type Shape, target } from '../catalog/lost-foreign-key.ts';
import { wantsGuard } from '../catalog/row-movement-guard.ts';
import { refuseUntrustedCode } from '../catalog/untrusted-code.ts';
import { InvalidInput, NotMigrated } from '../contracts/errors.ts';
import { requireForeignKeyTexts } from '../ledger/foreign-key-texts.ts';
import type { MigrationOptions, MigrationState } from '../ledger/migrations.ts';
import { resolveForeignKey } from '../ledger/resolve-foreign-key.ts';
import { checkLedger, isLedgerReadable } from '../ledger/schema/state.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { tableOfUntrustedOwner, tablesWithUntrustedCode, type UnreadTable, unprotectedPartitions } from './unread.ts';

/** One foreign key to audit. */
export interface Subject {
  /** Its `constraint_oid` is set where the parent FK exists again. */
  readonly foreignKey: ForeignKey;
  /** Null where no ledger has it. */
  readonly state: MigrationState | null;
  readonly options: Partial<MigrationOptions>;
  /** Stored name of a parent FK that no ledger has, as the operator remembers it. */
  readonly wantedName?: string;
}

/** The migration whose row-movement guards the leaves must have; undefined where no guards are wanted. */
export function guardedBy({ foreignKey, options }: Subject): string | undefined {
  return wantsGuard(foreignKey, options) ? (foreignKey.migrationId ?? undefined) : undefined;
}

/** A migration of the ledger whose tables do not exist any more, or are not the ones with its oids. */
export interface OrphanedMigration {
  readonly id: string;
  readonly table: string;
  readonly constraint: string;
  /** Whether tables with those names exist, for example because a dump was restored. */
  readonly restored: boolean;
}

/**
 * A migration that is not complete and whose parent FK exists: that guards every partition, and only unfinished work is left
 * over.
 */
export interface UnfinishedMigration {
  readonly id: string;
  readonly table: string;
  readonly constraint: string;
  readonly state: MigrationState;
  readonly foreignKey: ForeignKey;
  readonly options: Partial<MigrationOptions>;
}

/** Everything that is audited. */
export interface Subjects {
  readonly subjects: readonly Subject[];
  readonly unfinished: readonly UnfinishedMigration[];
  readonly orphaned: readonly OrphanedMigration[];
  /** Parent FKs that exist, with pair FKs beside them that belong to no open migration. */
  readonly beside: readonly ForeignKey[];
  /** Tables that are not read; empty where a table was named. */
  readonly unread: readonly UnreadTable[];
}

/**
 * @param wanted one table, or all
 * @throws InvalidInput when there is no such table
 * @throws NotMigrated when it, or every table of the database, was never migrated
 * @throws UntrustedCode as {@link resolveForeignKey}, where a table is named; otherwise that table is in `unread`
 */
export async function readSubjects(
  client: Client,
  wanted: { readonly table?: string | undefined; readonly constraint?: string | undefined },
): Promise<Subjects> {
  const root = wanted.table === undefined ? undefined : await rootOf(client, wanted.table);
  const { known, unfinished, orphaned } = await readLedger(client, await isLedgerReadable(client));
  const { lost, beside, unread } = await readCatalog(client, known, unfinished, root?.root_oid);
  const all = { subjects: [...known, ...lost], unfinished, orphaned, beside, unread };
  if (wanted.table !== undefined) {
    const chosen = await chooseTable(client, all, { ...wanted, table: wanted.table }, root);
    for (const foreignKey of foreignKeysOf(chosen)) await refuseUntrustedCode(client, foreignKey);
    return chosen;
  }
  if (Object.values(all).every(({ length }) => length === 0))
    throw new NotMigrated(
      `no table of this database is migrated, as far as ${await seenOf(client)} shows: there is nothing to audit`,
    );
  return withoutUntrustedCode(client, all);
}

function foreignKeysOf({ subjects, unfinished, beside }: Subjects): ForeignKey[] {
  return [...[...subjects, ...unfinished].map(({ foreignKey }) => foreignKey), ...beside];
}

async function withoutUntrustedCode(client: Client, all: Subjects): Promise<Subjects> {
  const untrusted = await tablesWithUntrustedCode(client, foreignKeysOf(all));
  const isRead = ({ referencing_oid }: ForeignKey) => !untrusted.has(referencing_oid);
  // A parent FK that exists guards all partitions.
  for (const { foreignKey } of all.subjects) {
    const left = untrusted.get(foreignKey.referencing_oid);
    if (!left || foreignKey.constraint_oid !== null) continue;
    const unprotected = new Set([...left.unprotected, ...(await unprotectedPartitions(client, foreignKey))]);
    untrusted.set(foreignKey.referencing_oid, { ...left, unprotected: [...unprotected] });
  }
  return {
    ...all,
    subjects: all.subjects.filter(({ foreignKey }) => isRead(foreignKey)),
    unfinished: all.unfinished.filter(({ foreignKey }) => isRead(foreignKey)),
    beside: all.beside.filter(isRead),
    unread: [...all.unread, ...untrusted.values()],
  };
}

/** What was read, for a message: finding nothing in a ledger that this role may not read proves little. */
async function seenOf(client: Client): Promise<string> {
  const { has_tables: present, readable, is_copy: isCopy } = await checkLedger(client);
  if (!present || isCopy) return 'the catalog';
  return readable
    ? 'the ledger and the catalog'
    : 'the catalog alone (this role may not read the ledger, schema p2pfk)';
}

async function chooseTable(
  client: Client,
  { subjects, unfinished, orphaned, beside }: Subjects,
  { table, constraint }: { readonly table: string; readonly constraint?: string | undefined },
  root: Root | undefined,
): Promise<Subjects> {
  const chosen = subjects.filter(({ foreignKey }) => foreignKey.referencing_oid === root?.root_oid);
  const stale = orphaned.filter((migration) => migration.table === (root?.root ?? table));
  const begun = unfinished.filter((migration) => migration.table === (root?.root ?? table));
  const halves = beside.filter(({ referencing_oid }) => referencing_oid === root?.root_oid);
  if (constraint === undefined && chosen.length + stale.length + begun.length + halves.length > 0)
    return { subjects: chosen, unfinished: begun, orphaned: stale, beside: halves, unread: [] };
  // The name of a parent FK whose ledger is lost is recorded nowhere, but the operator may know it.
  const [lost, ...more] = chosen.filter(({ foreignKey }) => foreignKey.migrationId === null);
  if (constraint !== undefined && lost && more.length === 0 && !(await isKnown(client, root, constraint)))
    return { ...NOTHING, subjects: [{ ...lost, wantedName: storedName(constraint) }] };
  // This function has the messages for everything that may be wrong with the names.
  const foreignKey = await resolveForeignKey(client, { table: root?.root ?? table, constraint }, 'verify');
  const named = chosen.filter((subject) => subject.foreignKey.constraint_name === foreignKey.constraint_name);
  const own = begun.filter((migration) => migration.constraint === foreignKey.constraint_name);
  const half = halves.filter(({ constraint_name }) => constraint_name === foreignKey.constraint_name);
  if (named.length + own.length + half.length > 0)
    return { ...NOTHING, subjects: named, unfinished: own, beside: half };
  throw new NotMigrated(
    `foreign key ${foreignKey.constraint_name} of ${foreignKey.table} is not migrated: it covers every partition by itself, so there is nothing to audit`,
  );
}

const NOTHING: Subjects = { subjects: [], unfinished: [], orphaned: [], beside: [], unread: [] };

async function isKnown(client: Client, root: Root | undefined, constraint: string): Promise<boolean> {
  try {
    await resolveForeignKey(client, { table: root?.root ?? '', constraint }, 'verify');
    return true;
  } catch (error) {
    if (error instanceof InvalidInput) return false;
    throw error;
  }
}

/** The stored form of a name that is written as in SQL. */
function storedName(name: string): string {
  if (/^".*"$/s.test(name)) return name.slice(1, -1).replaceAll('""', '"');
  return /^[A-Za-z_][\w$]*$/.test(name) ? name.toLowerCase() : name;
}

type Root = Row<'provision/target'>;

async function rootOf(client: Client, table: string): Promise<Root | undefined> {
  try {
    const table_oid = await resolveTable(client, table);
    const [root] = await run(client, 'provision/target', { table_oid });
    return root;
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    return undefined;
  }
}

type LedgerRow = Row<'audit/ledger-migrations'>;

/** The migrations of the ledger, if it may be read, by the state of their tables. */
export async function readLedger(
  client: Client,
  readable: boolean,
): Promise<{ known: Subject[]; unfinished: UnfinishedMigration[]; orphaned: OrphanedMigration[] }> {
  const rows = readable ? (await run(client, 'audit/ledger-migrations')).map(requireForeignKeyTexts) : [];
  // A parent FK that exists after the migration's end is a finding; before the end it only shows that the migration is not
  // complete.
  const dropped = (row: LedgerRow) => row.constraint_oid === null || row.state === 'migrated';
  const relevant = rows.filter((row) => row.tables_exist && dropped(row));
  return {
    unfinished: rows
      .filter((row) => row.tables_exist && !dropped(row))
      .map((row) => ({
        id: row.id,
        table: row.table_name_now,
        constraint: row.constraint_name,
        state: row.state,
        options: row.options,
        foreignKey: foreignKeyOf(row),
      })),
    known: relevant.map((row) => ({ state: row.state, options: row.options, foreignKey: foreignKeyOf(row) })),
    orphaned: rows
      .filter((row) => !row.tables_exist)
      .map((row) => ({
        id: row.id,
        table: row.table_name,
        constraint: row.constraint_name,
        restored: row.table_oid_now !== null && row.referenced_oid_now !== null,
      })),
  };
}

function foreignKeyOf(row: LedgerRow): ForeignKey {
  return {
    ...row,
    referencing_oid: row.table_oid,
    table: row.table_name_now,
    referencedTable: row.referenced_name_now,
    displayDefinition: row.definition,
    migrationId: row.id,
  };
}

/**
 * Foreign keys between leaves that no ledger has, by the shape that most pairs of a table have: of parent FKs that were dropped
 * (`lost`), and beside parent FKs that exist. Any role that may create tables can make such a table. A table that a person has
 * neither migrated nor named is read only if its owners have the login's rights anyway.
 */
async function readCatalog(
  client: Client,
  known: readonly Subject[],
  unfinished: readonly UnfinishedMigration[],
  named: number | undefined,
): Promise<Pick<Subjects, 'beside' | 'unread'> & { lost: Subject[] }> {
  const tables = await run(client, 'audit/tables-with-pair-foreign-keys');
  const open = [...known, ...unfinished].map(({ foreignKey }) => foreignKey);
  const lost: Subject[] = [];
  const beside: ForeignKey[] = [];
  const unread: UnreadTable[] = [];
  const chosen = new Set([named, ...open.map(({ referencing_oid }) => referencing_oid)]);
  for (const { table_oid, table_name, stranger } of tables) {
    if (stranger !== null && !chosen.has(table_oid)) {
      unread.push(tableOfUntrustedOwner(table_name, stranger));
      continue;
    }
    const seen = new Set(open.filter((key) => key.referencing_oid === table_oid).map(target));
    const parents = (await parentForeignKeys(client, table_oid)).filter((parent) => !seen.has(target(parent)));
    // Sorted by the frequency of their actions: others on the same columns are drift, and not another foreign key.
    for (const shape of await run(client, 'catalog/migrated-foreign-keys', {
      table_oid,
    })) {
      if (seen.has(target(shape))) continue;
      seen.add(target(shape));
      const { stands } = await runOne(client, 'audit/parent-foreign-key-stands', {
        ...shape,
        table_oid,
      });
      if (stands) beside.push(...parents.filter((parent) => target(parent) === target(shape)));
      else lost.push({ state: null, options: {}, foreignKey: fromShape(table_oid, table_name, shape) });
    }
  }
  return { lost, beside, unread };
}

/** A foreign key that only its pair FKs show. */
export function fromShape(tableOid: number, table: string, shape: Shape): ForeignKey {
  return {
    ...shape,
    referencing_oid: tableOid,
    table,
    referencedTable: shape.referenced_name,
    constraint_name: '',
    constraint_oid: null,
    displayDefinition: shape.definition,
    comment: null,
    firing: [],
    migrationId: null,
  };
}
