/** Reads the texts of statements, which the queries in `sql/statements/` generate. */
import type { Client } from 'pg';
import type { PairOfPartitions } from '../contracts/column-types.ts';
import { PartitionSetChanged } from '../contracts/errors.ts';
import { type Arguments, type QueryName, type Row, run } from '../postgres/sql.ts';

/** A statement that changes or locks something, as a file of `sql/statements/` returns it: what the steps run, the plan shows and `plan --sql` prints. */
export interface Statement {
  readonly sql: string;
  /** What it locks, in words: a lock mode and the tables. */
  readonly lock: string;
  /** Orders in which the locks of `sql` can be taken, where there are several. */
  readonly ways?: readonly (readonly string[])[];
}

/** Files of `sql/statements/` that return at most one statement for each of :'pairs'. */
type PairStatementName = {
  [Name in QueryName]: Row<Name> extends Statement & { readonly pair: number } ? Name : never;
}[QueryName];

/** SQL texts from one file of `sql/statements/`, by pair number. A pair whose partitions are gone has none. */
export async function statementsFor<Name extends PairStatementName>(
  client: Client,
  name: Name,
  ...values: Arguments<Name>
): Promise<Map<number, Statement>> {
  const rows: readonly (Statement & { readonly pair: number })[] = await run(client, name, ...values);
  return new Map(rows.map(({ pair, sql, lock, ways }) => [pair, { sql, lock, ...(ways ? { ways } : {}) }]));
}

/**
 * The text for one pair, from a file as for {@link statementsFor}.
 *
 * @throws PartitionSetChanged when there is none: one of the pair's partitions was dropped
 */
export async function statementFor<Name extends PairStatementName>(
  client: Client,
  pair: Pick<PairOfPartitions, 'pair' | 'referencing' | 'referenced'>,
  name: Name,
  ...values: Arguments<Name>
): Promise<Statement> {
  const statement = (await statementsFor(client, name, ...values)).get(pair.pair);
  if (statement?.sql) return statement;
  throw new PartitionSetChanged(
    `${pair.referencing} or ${pair.referenced} is no more: sql/${name}.sql has no statement for this pair`,
  );
}

/** Files of `sql/statements/` whose rows are statements. */
type StatementName = { [Name in QueryName]: Row<Name> extends { readonly sql: string } ? Name : never }[QueryName];

/** All texts of one file, in the order of its rows. */
export async function statementTexts<Name extends StatementName>(
  client: Client,
  name: Name,
  ...values: Arguments<Name>
): Promise<string[]> {
  const rows: readonly { readonly sql: string }[] = await run(client, name, ...values);
  return rows.map(({ sql }) => sql);
}
