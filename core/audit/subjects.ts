/** What is audited: every migrated foreign key that the ledger knows, and those that only the catalog shows. */
import type { Client } from 'pg';
import { NotMigrated } from '../errors.ts';
import { type ForeignKey, refuseUntrustedCode, resolveForeignKey, resolveTable } from '../foreign-key.ts';
import type { LedgerMigration, MigrationOptions, MigrationState } from '../ledger.ts';
import { isLedgerReadable } from '../ledger-state.ts';
import { sqlStateOf } from '../postgres-errors.ts';
import { wantsGuard } from '../row-movement-guard.ts';
import { run, runOne } from '../sql.ts';

export interface Subject {
  /** Where the parent FK stands again, its `constraint_oid` says so. */
  readonly foreignKey: ForeignKey;
  /** Null where no ledger knows of it. */
  readonly state: MigrationState | null;
  readonly options: Partial<MigrationOptions>;
}

/** The migration whose row-movement guards the leaves must have; undefined where none are wanted. */
export function guardedBy({ foreignKey, options }: Subject): string | undefined {
  return wantsGuard(foreignKey, options) ? (foreignKey.migrationId ?? undefined) : undefined;
}

/** A migration of the ledger whose tables are no more, or not the ones that it knows by oid. */
export interface OrphanedMigration {
  readonly id: string;
  readonly table: string;
  readonly constraint: string;
  /** Tables of those names stand: a dump was restored, say. */
  readonly restored: boolean;
}

/** A migration that is not at its end, with its parent FK standing: that covers every partition, and only the work lies about. */
export interface UnfinishedMigration {
  readonly id: string;
  readonly table: string;
  readonly constraint: string;
  readonly state: MigrationState;
}

export interface Subjects {
  readonly subjects: readonly Subject[];
  readonly unfinished: readonly UnfinishedMigration[];
  readonly orphaned: readonly OrphanedMigration[];
}

/**
 * @param wanted one table, or all
 * @throws InvalidInput when there is no such table
 * @throws NotMigrated when it, or every table of the database, was never migrated
 * @throws UntrustedCode as {@link resolveForeignKey}
 */
export async function readSubjects(
  client: Client,
  wanted: { readonly table?: string | undefined; readonly constraint?: string | undefined },
): Promise<Subjects> {
  const { known, unfinished, orphaned } = await readLedger(client);
  const subjects = [...known, ...(await readCatalog(client, known))];
  const all = { subjects, unfinished, orphaned };
  const read = wanted.table === undefined ? all : await chooseTable(client, all, wanted.table, wanted.constraint);
  if (wanted.table === undefined && subjects.length + unfinished.length + orphaned.length === 0)
    throw new NotMigrated(
      'no table of this database is migrated, as far as this role can see: there is nothing to audit',
    );
  for (const { foreignKey } of read.subjects) await refuseUntrustedCode(client, foreignKey);
  return read;
}

async function chooseTable(
  client: Client,
  { subjects, unfinished, orphaned }: Subjects,
  table: string,
  constraint: string | undefined,
): Promise<Subjects> {
  const root = await rootOf(client, table);
  const chosen = subjects.filter(({ foreignKey }) => foreignKey.referencing_oid === root?.root_oid);
  const stale = orphaned.filter((migration) => migration.table === (root?.root ?? table));
  const begun = unfinished.filter((migration) => migration.table === (root?.root ?? table));
  if (constraint === undefined && chosen.length + stale.length + begun.length > 0)
    return { subjects: chosen, unfinished: begun, orphaned: stale };
  // Has the words for everything that may be wrong with the names.
  const foreignKey = await resolveForeignKey(client, { table: root?.root ?? table, constraint }, 'verify');
  const named = chosen.filter((subject) => subject.foreignKey.constraint_name === foreignKey.constraint_name);
  const own = begun.filter((migration) => migration.constraint === foreignKey.constraint_name);
  if (named.length + own.length > 0) return { subjects: named, unfinished: own, orphaned: [] };
  throw new NotMigrated(
    `foreign key ${foreignKey.constraint_name} of ${foreignKey.table} is not migrated: it covers every partition by itself, so there is nothing to audit`,
  );
}

interface Root {
  readonly root: string;
  readonly root_oid: number;
}

async function rootOf(client: Client, table: string): Promise<Root | undefined> {
  try {
    const table_oid = await resolveTable(client, table);
    const [root] = await run<Root & Record<string, unknown>>(client, 'provision/target', { table_oid });
    return root;
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    return undefined;
  }
}

type LedgerRow = LedgerMigration & {
  readonly tables_exist: boolean;
  readonly table_oid_now: number | null;
  readonly referenced_oid_now: number | null;
  readonly table_name_now: string;
  readonly referenced_name_now: string;
  readonly constraint_oid: number | null;
};

async function readLedger(
  client: Client,
): Promise<{ known: Subject[]; unfinished: UnfinishedMigration[]; orphaned: OrphanedMigration[] }> {
  const readable = await isLedgerReadable(client);
  const rows = readable ? await run<LedgerRow & Record<string, unknown>>(client, 'audit/ledger-migrations') : [];
  // A parent FK that stands again after the end is a finding; before it, only that the migration is not at its end.
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
      })),
    known: relevant.map((row) => ({
      state: row.state,
      options: row.options,
      foreignKey: {
        ...row,
        referencing_oid: row.table_oid,
        table: row.table_name_now,
        referencedTable: row.referenced_name_now,
        displayDefinition: row.definition,
        firing: row.firing ?? [],
        migrationId: row.id,
      },
    })),
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

interface Shape {
  readonly referenced_oid: number;
  readonly referenced_name: string;
  readonly columns: string;
  readonly referenced_columns: string;
  readonly column_names: string[];
  readonly referenced_column_names: string[];
  readonly actions: string;
  readonly definition: string;
}

/** Foreign keys between leaves that no ledger knows, by the shape that most pairs of a table have. */
async function readCatalog(client: Client, known: readonly Subject[]): Promise<Subject[]> {
  const tables = await run<{ table_oid: number; table_name: string }>(client, 'audit/tables-with-pair-foreign-keys');
  const found: Subject[] = [];
  for (const { table_oid, table_name } of tables) {
    const seen = new Set(
      known
        .filter(({ foreignKey }) => foreignKey.referencing_oid === table_oid)
        .map(({ foreignKey }) => target(foreignKey)),
    );
    // The most frequent actions come first: others on the same columns are drift, not a foreign key of their own.
    for (const shape of await run<Shape & Record<string, unknown>>(client, 'catalog/migrated-foreign-keys', {
      table_oid,
    })) {
      if (seen.has(target(shape))) continue;
      seen.add(target(shape));
      const { stands } = await runOne<{ stands: boolean }>(client, 'audit/parent-foreign-key-stands', {
        ...shape,
        table_oid,
      });
      if (!stands) found.push({ state: null, options: {}, foreignKey: fromShape(table_oid, table_name, shape) });
    }
  }
  return found;
}

/** What a foreign key connects, without its actions. */
function target({
  referenced_oid,
  columns,
  referenced_columns,
}: Pick<Shape, 'referenced_oid' | 'columns' | 'referenced_columns'>): string {
  return `${referenced_oid} (${columns}) (${referenced_columns})`;
}

function fromShape(tableOid: number, table: string, shape: Shape): ForeignKey {
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
