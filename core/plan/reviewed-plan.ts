/**
 * A reviewed plan: an execution carries out what a person reviewed. The catalog that the plan was made for is compared with the
 * present one, and the options that decide what is run with those of the input.
 */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { DECISIVE_OPTIONS } from '../contracts/decisive-options.ts';
import { PreflightFailed } from '../contracts/errors.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import { readPairs } from '../ledger/pairs.ts';
import { run } from '../postgres/sql.ts';
import { sha256 } from './plan-document.ts';

/** One fact that a plan depends on: its kind, its name, and its value. */
export type CatalogEntry = readonly [kind: string, name: string, value: string];

/** The facts that a plan for this foreign key depends on, without what its own migration has made so far. */
export async function readCatalogEntries(client: Client, foreignKey: ForeignKey): Promise<CatalogEntry[]> {
  const { migrationId } = foreignKey;
  const pairs = migrationId === null ? [] : await readPairs(client, migrationId);
  const rows = await run(client, 'catalog/fingerprint', {
    ...foreignKey,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    own_indexes: pairs
      .filter((pair) => pair.index_added)
      .map(({ referencing_oid: relation, index_name: name }) => ({ relation, name })),
  });
  return rows.map(({ kind, name, value }) => [kind, name, value]);
}

/** `sha256:` and 64 hexadecimal digits: a hash of the catalog and of what is done to it. */
export function planHash(
  entries: readonly CatalogEntry[],
  { table, constraint_name: constraint }: Pick<ForeignKey, 'table' | 'constraint_name'>,
  options: Pick<ExecutionInput, (typeof DECISIVE_OPTIONS)[number]>,
): string {
  const decisive = DECISIVE_OPTIONS.map((key) => [key, options[key]]);
  return sha256(JSON.stringify([table, constraint, decisive, entries]));
}

/** One line for each fact that was added, removed or changed, in the order of the catalog. */
export function differences(planned: readonly CatalogEntry[], now: readonly CatalogEntry[]): string[] {
  const before = byName(planned);
  const after = byName(now);
  return [
    ...[...before].flatMap(([name, value]) => {
      const other = after.get(name);
      if (other === value) return [];
      return [other === undefined ? `${name} is gone` : `${name} was "${value}" and is "${other}"`];
    }),
    ...[...after.keys()].filter((name) => !before.has(name)).map((name) => `${name} is new`),
  ];
}

function byName(entries: readonly CatalogEntry[]): ReadonlyMap<string, string> {
  return new Map(entries.map(([kind, name, value]) => [`${kind} ${name}`, value]));
}

/**
 * Check in the plan step, for an input with the hash of the plan that it carries out. Once the parent FK is dropped, nothing is
 * compared: what is left is to verify, or to undo.
 *
 * @returns whether they were compared
 * @throws PreflightFailed when the catalog or the options differ from those that were reviewed
 */
export async function refuseUnreviewed(
  client: Client,
  foreignKey: ForeignKey,
  input: ExecutionInput,
): Promise<boolean> {
  if (input.planHash === undefined || foreignKey.constraint_oid === null) return false;
  const found = planHash(await readCatalogEntries(client, foreignKey), foreignKey, input);
  if (found === input.planHash) return true;
  const plan = shortHash(input.planDocumentHash ?? input.planHash);
  throw new PreflightFailed(
    `refused, nothing was changed: this is not what the plan ${plan} was made for (its catalog hash is ${shortHash(input.planHash)}, and it is ${shortHash(found)} now): a table, bound, foreign key, column, trigger, owner, index or option has changed since; p2pfk migrate --plan FILE names the differences; plan again, and review it`,
  );
}

/** The beginning of a hash, enough to recognize it. */
export function shortHash(hash: string): string {
  return hash.slice(0, 'sha256:'.length + 12);
}
