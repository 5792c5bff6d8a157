/** Two partitioned tables, `p` referencing `r`, whose partitions a test cuts as it likes. */
import type { Client } from 'pg';
import { type Pairing, readPairing } from '../../../core/catalog/pairs.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';

export interface TwoTables {
  /** Type of the partition key `k` in `p`, and in `r` where that is another. */
  readonly type?: string;
  readonly referencedType?: string;
  /** Such as `LIST (k)`, for both. */
  readonly by?: string;
  /** Bounds of the partitions `p_1`, `p_2`, ... and `r_1`, `r_2`, ..., each in its order. */
  readonly referencing: readonly string[];
  readonly referenced: readonly string[];
  /** Statements to run before the foreign key is added. */
  readonly more?: string;
}

/** Makes the tables in a schema of their own and goes there. */
export async function makeTables(client: Client, schema: string, tables: TwoTables): Promise<void> {
  const { type = 'text', referencedType = type, by = 'LIST (k)', referencing, referenced, more = '' } = tables;
  const partitions = (table: string, bounds: readonly string[]) =>
    bounds.map((bound, index) => `CREATE TABLE ${table}_${index + 1} PARTITION OF ${table} ${bound};`).join('\n');
  await client.query(`
    CREATE SCHEMA ${schema};
    SET search_path = ${schema};
    CREATE TABLE r (k ${referencedType}, id int, PRIMARY KEY (k, id)) PARTITION BY ${by};
    CREATE TABLE p (k ${type}, id int) PARTITION BY ${by};
    ${partitions('r', referenced)}
    ${partitions('p', referencing)}
    ${more}
    ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r (k, id);`);
}

/** Pairs and partitions without one, read as core reads them, without their schema. */
export interface ReadNames {
  readonly pairs: string[];
  readonly unpaired: string[];
}

export async function readPairs(core: Client, table: string, constraint?: string): Promise<Pairing> {
  return readPairing(core, await resolveForeignKey(core, { table, constraint }, 'migrate'));
}

/** `p_1 -> r_2`, sorted, and the partitions without a partner. */
export async function readNames(core: Client, schema: string): Promise<ReadNames> {
  const { pairs, unpaired } = await readPairs(core, `${schema}.p`);
  const short = (name: string) => name.replace(`${schema}.`, '');
  return {
    pairs: pairs.map((pair) => `${short(pair.referencing)} -> ${short(pair.referenced)}`).sort(),
    unpaired: unpaired.map((partition) => short(partition.partition)).sort(),
  };
}

/** Inserts the keys on both sides and tells where PostgreSQL itself has put each row and the row it references. */
export async function routedPairs(client: Client, keys: readonly string[]): Promise<string[]> {
  const values = keys.map((key) => `(${key}, 1)`).join(', ');
  await client.query(`INSERT INTO r VALUES ${values}; INSERT INTO p VALUES ${values};`);
  const { rows } = await client.query<{ pair: string }>(
    `SELECT DISTINCT format('%s -> %s', p.tableoid::regclass, r.tableoid::regclass) AS pair FROM p JOIN r USING (k, id) ORDER BY 1`,
  );
  return rows.map(({ pair }) => pair);
}
