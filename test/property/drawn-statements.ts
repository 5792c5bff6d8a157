/** Transactions of INSERT, UPDATE and DELETE on the two tables, and what the findings of a plan say about each. */
import fc from 'fast-check';
import { type DrawnSchema, type Key, keyArbitrary, type Side } from './drawn-schema.ts';
import { literal, namesOf } from './render-schema.ts';

export type DrawnStatement =
  | { readonly kind: 'insert'; readonly side: Side; readonly key: Key }
  | { readonly kind: 'delete'; readonly side: Side; readonly key: Key }
  | { readonly kind: 'delete bucket'; readonly side: Side; readonly key: Key }
  | { readonly kind: 'update key'; readonly side: Side; readonly key: Key; readonly to: Key }
  | { readonly kind: 'update other'; readonly side: Side; readonly key: Key };

export interface DrawnTransaction {
  /** SET CONSTRAINTS ALL DEFERRED first: what is not deferrable takes no notice. */
  readonly deferred: boolean;
  readonly statements: readonly DrawnStatement[];
}

export function transactionsArbitrary({ buckets }: DrawnSchema): fc.Arbitrary<DrawnTransaction[]> {
  const statement = (side: Side): fc.Arbitrary<DrawnStatement> => {
    const key = keyArbitrary(buckets, side === 'referencing');
    const base = { side: fc.constant(side), key };
    return fc.oneof(
      { weight: 3, arbitrary: fc.record({ ...base, kind: fc.constant('insert' as const) }) },
      { weight: 3, arbitrary: fc.record({ ...base, kind: fc.constant('delete' as const) }) },
      { weight: 1, arbitrary: fc.record({ ...base, kind: fc.constant('delete bucket' as const) }) },
      { weight: 3, arbitrary: fc.record({ ...base, kind: fc.constant('update key' as const), to: key }) },
      { weight: 1, arbitrary: fc.record({ ...base, kind: fc.constant('update other' as const) }) },
    );
  };
  const statements = fc.array(fc.oneof(statement('referenced'), statement('referencing')), {
    minLength: 1,
    maxLength: 3,
  });
  return fc.array(fc.record({ deferred: fc.boolean(), statements }), { minLength: 1, maxLength: 12 });
}

export function renderStatement(drawn: DrawnSchema, statement: DrawnStatement): string {
  const names = namesOf(drawn);
  const { side, key } = statement;
  const table = names[side];
  const [k, ino] = names.columns[side];
  const is = (column: string, value: string) => (value === 'NULL' ? `${column} IS NULL` : `${column} = ${value}`);
  const at = literal(drawn, side, key[0]);
  const where = `${is(k, at)} AND ${is(ino, String(key[1] ?? 'NULL'))}`;
  switch (statement.kind) {
    case 'insert':
      return `INSERT INTO ${table} (${k}, ${ino}) VALUES (${at}, ${key[1] ?? 'NULL'})`;
    case 'delete':
      return `DELETE FROM ${table} WHERE ${where}`;
    case 'delete bucket':
      return `DELETE FROM ${table} WHERE ${is(k, at)}`;
    case 'update key':
      return `UPDATE ${table} SET ${k} = ${literal(drawn, side, statement.to[0])}, ${ino} = ${statement.to[1] ?? 'NULL'} WHERE ${where}`;
    case 'update other':
      return `UPDATE ${table} SET ${side === 'referenced' ? 'size' : 'id'} = 7 WHERE ${where}`;
  }
}

/** In which leaf a key lies; null where no partition takes it. */
export type Routes = Readonly<Record<Side, ReadonlyMap<string, string | null>>>;

export const routeKey = ([k, ino]: Key) => `${k} ${ino}`;

/** Ids of the findings that say why a statement will not do what it did; empty where it has to do the same. */
export function foretold(
  drawn: DrawnSchema,
  statement: DrawnStatement,
  routes: Routes,
  findings: ReadonlySet<string>,
  uncovered: ReadonlySet<string>,
): string[] {
  const leaf = (side: Side, key: Key) => routes[side].get(routeKey(key)) ?? null;
  const { side, key } = statement;
  const reasons: string[] = [];
  if (side === 'referencing') {
    const target = statement.kind === 'insert' ? key : statement.kind === 'update key' ? statement.to : null;
    const into = target === null ? null : leaf(side, target);
    if (into !== null && uncovered.has(into)) reasons.push('unpaired-empty-partition');
    return reasons.filter((id) => findings.has(id));
  }
  if (statement.kind === 'update key') {
    const moves = leaf(side, key) !== leaf(side, statement.to);
    const takesAlong = leaf('referencing', key) !== leaf('referencing', statement.to);
    if (moves) reasons.push('row-movement', 'update-across-partitions');
    if (takesAlong) reasons.push('update-across-partitions');
    if (drawn.onUpdate.startsWith('SET')) reasons.push('action-on-partition-key');
  }
  if (statement.kind.startsWith('delete') && drawn.onDelete.startsWith('SET')) reasons.push('action-on-partition-key');
  return reasons.filter((id) => findings.has(id));
}
