/** What is scanned: every foreign key that touches a partitioned table, from the catalog and from the ledger. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { target } from '../catalog/lost-foreign-key.ts';
import { BULK_READS, INDEX_LOOKUPS } from '../catalog/many-pairings.ts';
import type { UnseenForeignKey } from '../contracts/scan-document.ts';
import { fromShape, readLedger, type Subject, type UnfinishedMigration } from '../drift/subjects.ts';
import type { MigrationState } from '../ledger/migrations.ts';
import { runForEach } from '../postgres/run-for-each.ts';
import { type Row, run } from '../postgres/sql.ts';
import { hiddenIn, lockedBy } from './unseen.ts';

/** A row of `sql/scan/foreign-keys.sql`. */
export type Touching = Row<'scan/foreign-keys'>;

/** What is known of a parent FK without a look at it alone: a row of `sql/scan/parents.sql`. */
type Known = Row<'scan/parents'>;

/** A foreign key between two partitioned tables, whether its parent FK exists or is dropped. */
export interface Scanned {
  readonly foreignKey: ForeignKey;
  /** State of the open migration in the ledger; null where there is none. */
  readonly state: MigrationState | null;
  /** Null where the catalog has no foreign key between the two tables any more. */
  readonly touching: Touching | null;
  /** Whether leaf partitions of the two tables have foreign keys of their own. */
  readonly mayHavePairForeignKeys: boolean;
  /** Null where the parent FK is dropped. */
  readonly known: Known | null;
}

/** A foreign key that p2pfk cannot read: why, as a sentence without its end. */
export interface NotUnderstood {
  readonly touching: Touching;
  readonly why: string;
}

export interface ScanSubjects {
  readonly scanned: readonly Scanned[];
  readonly notUnderstood: readonly NotUnderstood[];
  /** Foreign keys of single partitions to a whole partitioned table. */
  readonly ofPartitions: readonly Touching[];
  /** With a plain table, or a single partition, on one side. */
  readonly plain: readonly Touching[];
  readonly unseen: readonly UnseenForeignKey[];
}

/**
 * Leaves the session with the settings INDEX_LOOKUPS.
 *
 * @param schemas null: all
 * @param readable whether the ledger is this database's, and may be read
 */
export async function readScanSubjects(
  client: Client,
  schemas: readonly string[] | null,
  readable: boolean,
): Promise<ScanSubjects> {
  const { known, unfinished } = await readLedger(client, readable);
  await client.query(BULK_READS);
  const all = await run(client, 'scan/foreign-keys', { schemas });
  const unseen = all.flatMap((touching) => hiddenIn(touching) ?? lockedBy(touching) ?? []);
  const seen = all.filter((touching) => hiddenIn(touching) === undefined && lockedBy(touching) === undefined);
  const kind = (...names: readonly string[]) => seen.filter((touching) => names.includes(touching.kind));
  const pairs = kind('pairs');
  const facts = await run(client, 'scan/parents', {
    constraints: kind('parent').flatMap(({ constraint_oid }) => constraint_oid ?? []),
  });
  await client.query(INDEX_LOOKUPS);
  const { parents, notUnderstood } = await readParents(client, kind('parent'), pairs, facts, [...known, ...unfinished]);
  const dropped = [...known, ...unfinished]
    .filter(({ foreignKey }) => !parents.some((parent) => isSame(parent.foreignKey, foreignKey)))
    .filter(({ foreignKey }) => isChosen(foreignKey, all, seen, schemas))
    .map(({ foreignKey, state }) => ({ foreignKey, state, ...placeOf(foreignKey, pairs) }));
  const lost = await readLost(client, pairs, [...parents, ...dropped]);
  return {
    scanned: [...parents, ...dropped, ...lost],
    notUnderstood,
    ofPartitions: kind('partition-to-table'),
    plain: kind('to-plain', 'from-plain', 'to-partition'),
    unseen,
  };
}

/** The schema of a name that was written by format('%I.%I'), as it is stored. */
function schemaOf(name: string): string {
  const [, quoted, plain = ''] = /^(?:"((?:[^"]|"")*)"|([^".]+))\./.exec(name) ?? [];
  return quoted === undefined ? plain : quoted.replaceAll('""', '"');
}

/** Whether a foreign key of the ledger is in the schemas, and none of its tables was left out. */
function isChosen(
  foreignKey: ForeignKey,
  all: readonly Touching[],
  seen: readonly Touching[],
  schemas: readonly string[] | null,
): boolean {
  const between = ({ table_oid, referenced_oid }: Touching) =>
    table_oid === foreignKey.referencing_oid && referenced_oid === foreignKey.referenced_oid;
  if (all.some(between) && !seen.some(between)) return false;
  return (
    schemas === null || [foreignKey.table, foreignKey.referencedTable].some((name) => schemas.includes(schemaOf(name)))
  );
}

function isSame(one: ForeignKey, other: ForeignKey): boolean {
  return one.constraint_oid !== null && one.constraint_oid === other.constraint_oid;
}

function placeOf(
  { referencing_oid, referenced_oid }: Pick<ForeignKey, 'referencing_oid' | 'referenced_oid'>,
  pairs: readonly Touching[],
): Pick<Scanned, 'touching' | 'mayHavePairForeignKeys' | 'known'> {
  const touching = pairs.find((row) => row.table_oid === referencing_oid && row.referenced_oid === referenced_oid);
  return { touching: touching ?? null, mayHavePairForeignKeys: touching !== undefined, known: null };
}

async function readParents(
  client: Client,
  rows: readonly Touching[],
  pairs: readonly Touching[],
  facts: readonly Known[],
  ledger: readonly (Subject | UnfinishedMigration)[],
): Promise<{ parents: Scanned[]; notUnderstood: NotUnderstood[] }> {
  const shapes = await runForEach(
    client,
    'catalog/foreign-key-shape',
    rows.map((row) => ({ constraint_oid: row.constraint_oid ?? 0 })),
  );
  const byOid = new Map(facts.map((one) => [one.constraint_oid, one]));
  const migrations = new Map(ledger.map((one) => [one.foreignKey.constraint_oid, one]));
  const parents: Scanned[] = [];
  const notUnderstood: NotUnderstood[] = [];
  rows.forEach((touching, index) => {
    const shape = shapes[index]?.[0];
    if (!shape) return;
    if (touching.temporal || !shape.understood) {
      const why = touching.temporal
        ? 'it is a temporal foreign key (PERIOD), which p2pfk does not migrate'
        : `it has a definition that this version of p2pfk does not understand: ${shape.definition}`;
      notUnderstood.push({ touching, why });
      return;
    }
    const migration = migrations.get(touching.constraint_oid);
    parents.push({
      foreignKey: {
        ...shape,
        referencing_oid: touching.table_oid,
        table: touching.table_name,
        referencedTable: touching.referenced_name,
        constraint_oid: touching.constraint_oid,
        validated: touching.validated,
        displayDefinition: shape.full_definition,
        migrationId: migration?.foreignKey.migrationId ?? null,
      },
      state: migration?.state ?? null,
      touching,
      known: byOid.get(touching.constraint_oid ?? 0) ?? null,
      mayHavePairForeignKeys: placeOf({ ...shape, referencing_oid: touching.table_oid }, pairs).mayHavePairForeignKeys,
    });
  });
  return { parents, notUnderstood };
}

/** Foreign keys whose parent FK is dropped and that no ledger has: only the pair FKs show them. */
async function readLost(client: Client, pairs: readonly Touching[], others: readonly Scanned[]): Promise<Scanned[]> {
  const tables = [...new Map(pairs.map((row) => [row.table_oid, row.table_name]))];
  const shapes = await runForEach(
    client,
    'catalog/migrated-foreign-keys',
    tables.map(([table_oid]) => ({ table_oid })),
  );
  return tables.flatMap(([table_oid, table_name], index) => {
    const own = others.filter(({ foreignKey }) => foreignKey.referencing_oid === table_oid);
    // Sorted by the frequency of their actions: others on the same columns are drift, and not another foreign key.
    const known = new Set(own.map(({ foreignKey }) => target(foreignKey)));
    const lost: Scanned[] = [];
    for (const shape of shapes[index] ?? []) {
      if (known.has(target(shape))) continue;
      known.add(target(shape));
      const foreignKey = fromShape(table_oid, table_name, shape);
      const place = placeOf(foreignKey, pairs);
      // A table that was left out has no row.
      if (place.touching) lost.push({ foreignKey, state: null, ...place });
    }
    return lost;
  });
}
