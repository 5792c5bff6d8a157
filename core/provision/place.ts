/** The place and names of a new pair: like those of the existing pairs, unless the caller names others. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pairing } from '../catalog/pairs.ts';
import { InvalidInput, PreflightFailed } from '../contracts/errors.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import { run, runOne } from '../postgres/sql.ts';
import { type PartitionBound, parseBound } from './bound.ts';
import { type NewNames, namesByBound, namesBySuffix, type RelationName, type Sibling } from './pair-names-by-rule.ts';

/**
 * Where the new partitions are attached, and their names. Keys with an underscore are those that `sql/` uses, so the object
 * serves as its parameters.
 */
export interface Place extends NewNames {
  readonly referencing_parent_oid: number;
  readonly referenced_parent_oid: number;
}

/** What the caller wants. */
export interface PlaceRequest {
  readonly bound: PartitionBound;
  /** The table that the new referencing partition is attached to. */
  readonly parentOid: number;
  readonly nameSuffix?: string | undefined;
  readonly referencing?: string | undefined;
  readonly referenced?: string | undefined;
}

/**
 * Chooses the place.
 *
 * @throws InvalidInput when the names cannot be derived, or are not usable
 * @throws PreflightFailed when it is not clear which referenced table is meant
 */
export async function choosePlace(
  client: Client,
  foreignKey: ForeignKey,
  pairing: Pairing,
  request: PlaceRequest,
): Promise<Place> {
  const { siblings, referencedParent } = await readSiblings(client, foreignKey, pairing, request.parentOid);
  const parents = { referencing_parent_oid: request.parentOid, referenced_parent_oid: referencedParent };
  const names = await chooseNames(client, siblings, parents, request);
  // A table that references itself gets one partition, which is its own partner.
  const own = parents.referencing_parent_oid === parents.referenced_parent_oid;
  const place = { ...parents, referencing: names.referencing, referenced: own ? undefined : names.referenced };
  await requireUsable(client, place);
  return place;
}

/**
 * The existing pairs next to the new one, and the referenced table that their partners belong to.
 *
 * @throws PreflightFailed when it is not clear which referenced table that is
 */
export async function readSiblings(
  client: Client,
  foreignKey: ForeignKey,
  { pairs }: Pairing,
  parentOid: number,
): Promise<{ siblings: Sibling[]; referencedParent: number }> {
  const rows = await run(client, 'provision/siblings', {
    pairs,
    referencing_parent_oid: parentOid,
  });
  const parents = [...new Set(rows.map((row) => row.referenced_parent_oid))];
  const [referencedParent = foreignKey.referenced_oid] = parents;
  if (parents.length > 1 || (rows.length === 0 && parentOid !== foreignKey.referencing_oid)) {
    throw new PreflightFailed(
      'refused, nothing was changed: the partitions there do not show in which table their partners are; create both partitions by hand, then run p2pfk audit --fix',
    );
  }
  return {
    referencedParent,
    siblings: rows.flatMap((row) => {
      const bound = readBound(row.bound);
      return bound === undefined || bound.strategy === 'default'
        ? []
        : [
            {
              referencing: { schema: row.referencing_schema, name: row.referencing_name },
              referenced: { schema: row.referenced_schema, name: row.referenced_name },
              bound,
            },
          ];
    }),
  };
}

/** The bound in the catalog. Undefined where it contains more than plain literals; then it is no example for names. */
export function readBound(text: string): PartitionBound | undefined {
  try {
    return parseBound(text);
  } catch {
    return undefined;
  }
}

async function chooseNames(
  client: Client,
  siblings: readonly Sibling[],
  parents: { referencing_parent_oid: number; referenced_parent_oid: number },
  request: PlaceRequest,
): Promise<NewNames> {
  const { nameSuffix, referencing, referenced, bound } = request;
  if (referencing !== undefined) {
    const rows = await run(client, 'provision/parents', parents);
    const schemaOf = (oid: number) => rows.find((row) => row.oid === oid)?.schema ?? 'public';
    const [first] = siblings;
    const beside = first?.referencing.schema ?? schemaOf(parents.referencing_parent_oid);
    const besidePartner = first?.referenced.schema ?? schemaOf(parents.referenced_parent_oid);
    return {
      referencing: await parseName(client, referencing, beside),
      referenced: referenced === undefined ? undefined : await parseName(client, referenced, besidePartner),
    };
  }
  if (referenced !== undefined || nameSuffix === '') {
    throw new InvalidInput('give the names with --referencing and --referenced, or a suffix for both, or neither');
  }
  const names = nameSuffix === undefined ? namesByBound(siblings, bound) : namesBySuffix(siblings, nameSuffix);
  if (names) return names;
  const example = siblings[0] ? ` (such as ${siblings[0].referencing.name} and ${siblings[0].referenced.name})` : '';
  throw new InvalidInput(
    nameSuffix === undefined
      ? `the names of the existing pairs${example} do not show what the new one should be called: give --name-suffix, or both --referencing and --referenced`
      : `the names of the existing pairs${example} have no beginning in common to put the suffix behind: give both --referencing and --referenced`,
  );
}

/** @param schema default for a name without one: that of the partitions next to it */
async function parseName(client: Client, text: string, schema: string): Promise<RelationName> {
  try {
    const { parts } = await runOne(client, 'provision/parse-name', { name: text });
    const [first, second, ...more] = parts;
    if (first !== undefined && more.length === 0) {
      return second === undefined ? { schema, name: first } : { schema: first, name: second };
    }
  } catch (error) {
    if (sqlStateOf(error) !== '22023') throw error;
  }
  throw new InvalidInput(`"${text}" is not a table name as SQL writes it, such as public.path_2027`);
}

/**
 * Refuses names that are too long, equal, or in a missing schema. An existing relation with the name is no reason yet, because it
 * may be the partition that is looked for.
 */
async function requireUsable(client: Client, { referencing, referenced }: NewNames): Promise<void> {
  const rows = await run(client, 'provision/names', {
    names: referenced ? [referencing, referenced] : [referencing],
  });
  for (const { relation, schema_exists, too_long } of rows) {
    if (too_long) throw new InvalidInput(`${relation} is longer than 63 bytes: PostgreSQL would cut it`);
    if (!schema_exists) throw new InvalidInput(`the schema of ${relation} does not exist`);
  }
  if (rows[0]?.relation === rows[1]?.relation)
    throw new InvalidInput(`both partitions would be called ${rows[0]?.relation}`);
}
