/**
 * Names of the pair FKs. They get their documented names when they are added, because the parent FK's child on the leaf has the
 * parent's name. In the drop's transaction, where that name becomes free, they may take it (`pairConstraintNames`), and those of
 * a DEFERRABLE parent FK become INITIALLY IMMEDIATE.
 */
import type { Client } from 'pg';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import { executeDdl } from '../postgres/execute.ts';
import { together } from '../postgres/session/deadline.ts';
import { type Row, run } from '../postgres/sql.ts';
import type { ForeignKey } from './foreign-key.ts';
import type { Pair } from './pairs.ts';

/** The option that decides the names. */
export type Naming = Partial<Pick<ExecutionInput, 'pairConstraintNames'>>;

/**
 * A pair FK's name after the drop, and the statements that give it. Names of keys are those that `sql/` uses, so a list of these
 * serves as a parameter. `beside_root`: whether the leaf is in the schema of the referencing table.
 */
export type FinalName = Row<'statements/rename-pair-foreign-keys'>;

type NamedPair = Pick<Pair, 'pair' | 'referencing_oid' | 'referenced_oid' | 'constraint_name' | 'constraint_oid'>;

/** The name of each pair FK after the drop of the parent FK. */
export function readFinalNames(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly NamedPair[],
  options: Naming,
): Promise<FinalName[]> {
  return run(client, 'statements/rename-pair-foreign-keys', {
    ...foreignKey,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    pairs,
    options: { pairConstraintNames: options.pairConstraintNames ?? 'auto' },
  });
}

/**
 * Renames the pair FKs, also in the ledger, and gives them the parent FK's timing. Runs in the drop's transaction, after the
 * drop.
 */
export async function takeFinalNames(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly NamedPair[],
  { id, options }: { readonly id: string; readonly options: Naming },
): Promise<void> {
  const dropped = { ...foreignKey, constraint_oid: null };
  const names = await readFinalNames(client, dropped, pairs, options);
  const renamed = names.filter(({ sql }) => sql !== null);
  await together<unknown[]>(
    client,
    ...names.flatMap(renameStatements).map((sql) => () => executeDdl(client, sql)),
    ...(renamed.length > 0 ? [() => run(client, 'ledger/rename-pairs', { migration_id: id, pairs: renamed })] : []),
  );
}

/** Statements of one pair, in the order in which they run. */
export function renameStatements({ sql, timing_sql }: FinalName): string[] {
  return [sql, timing_sql].flatMap((statement) => statement ?? []);
}
