/**
 * The property. A drawn schema is migrated on one of two databases; the same transactions then do the same on both, but
 * for what the findings of the plan foretell; the migrated one is verified and rolled back, and is what it was.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { Client } from 'pg';
import { verifyTable } from '../../core/checks/verification.ts';
import type { Plan } from '../../core/contracts/documents.ts';
import { PreflightFailed } from '../../core/contracts/errors.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { connect } from '../../core/ledger/connect.ts';
import { planMigration } from '../../core/plan/read-plan.ts';
import { Execution } from '../core/execution.helpers.ts';
import { catalog } from '../matrix/catalog.helpers.ts';
import { type DrawnSchema, mayBeRefused, schemaArbitrary } from './drawn-schema.ts';
import {
  type DrawnTransaction,
  foretold,
  type Routes,
  renderStatement,
  transactionsArbitrary,
} from './drawn-statements.ts';
import { namesOf, renderSchema } from './render-schema.ts';
import { allRows, readRoutes, runTransaction } from './two-databases.ts';

export interface TwoDatabases {
  /** Keeps its parent FK. */
  readonly original: Client;
  /** Is migrated, at `url`. */
  readonly migrated: Client;
  readonly url: string;
}

/** What a run of the property came across; for the person who wants to know that it was worth it. */
export interface Tally {
  schemas: number;
  migrated: number;
  refused: number;
  transactions: number;
  accepted: number;
  foretold: number;
  /** Referencing leaves without a partner, all of whose drawn keys lie in one referenced leaf. */
  overlooked: number;
}

export interface Case {
  readonly schema: DrawnSchema;
  readonly transactions: readonly DrawnTransaction[];
}

export const newTally = (): Tally => ({
  schemas: 0,
  migrated: 0,
  refused: 0,
  transactions: 0,
  accepted: 0,
  foretold: 0,
  overlooked: 0,
});

export function caseArbitrary(major: number): fc.Arbitrary<Case> {
  return schemaArbitrary(major).chain((schema) =>
    fc.record({ schema: fc.constant(schema), transactions: transactionsArbitrary(schema) }),
  );
}

/** The whole case as SQL, to be tried by hand. */
export function describeCase({ schema, transactions }: Case): string {
  const statements = transactions.map(({ deferred, statements: list }) =>
    [
      'BEGIN',
      ...(deferred ? ['SET CONSTRAINTS ALL DEFERRED'] : []),
      ...list.map((one) => renderStatement(schema, one)),
      'COMMIT',
    ]
      .map((sql) => `${sql};`)
      .join('\n'),
  );
  return [...renderSchema(schema).map((sql) => `${sql};`), '', ...statements].join('\n');
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const [is, should] = [lines(actual), lines(expected)];
  const missing = should.filter((line) => !is.includes(line)).map((line) => `- ${line}`);
  const added = is.filter((line) => !should.includes(line)).map((line) => `+ ${line}`);
  throw new Error([`${what}: expected (-), but found (+)`, ...missing, ...added].join('\n'));
}

const lines = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value, null, 1)).split('\n');

/** @throws Error that says what is not as it has to be */
export async function check(databases: TwoDatabases, drawn: Case, tally: Tally): Promise<void> {
  const { original, migrated } = databases;
  const { schema } = drawn;
  const names = namesOf(schema);
  const drop = `DROP SCHEMA IF EXISTS ${names.schema}, ${names.otherSchema} CASCADE`;
  tally.schemas++;
  try {
    for (const client of [original, migrated]) {
      for (const sql of [drop, ...renderSchema(schema)]) {
        await client.query(sql).catch((cause: unknown) => {
          throw new Error(`the drawn schema is not one: ${(cause as Error).message}: ${sql}`, { cause });
        });
      }
    }
    await checkSchema(databases, drawn, tally);
  } finally {
    for (const client of [original, migrated]) await client.query(`ROLLBACK; ${drop}`);
  }
}

async function checkSchema(databases: TwoDatabases, drawn: Case, tally: Tally): Promise<void> {
  const { original, migrated, url } = databases;
  const { schema } = drawn;
  const table = namesOf(schema).referencing;
  const before = { catalog: await catalog(migrated), rows: await allRows(migrated, schema) };
  const options = { table, rowMovementGuard: schema.guard, accept: ['all'] };
  const plan = await withCore(url, (core) => planMigration(core, ExecutionInput.parse(options)));
  process.env.DATABASE_URL = url;
  const routes = await readRoutes(original, schema);
  checkPairs(plan, routes, tally);

  const errors = plan.findings.flatMap(({ id, severity }) => (severity === 'error' ? [id] : []));
  if (errors.length > 0) {
    const refusal = await new Execution().plan(options).then(
      () => null,
      (error: unknown) => error,
    );
    same(refusal instanceof PreflightFailed, true, 'a plan with errors is refused');
    same(errors.length > 0 && mayBeRefused(schema), true, `refused for ${errors.join(', ')}, and there is no reason`);
    same(await catalog(migrated), before.catalog, 'a refusal changes nothing');
    tally.refused++;
    return;
  }

  await new Execution().migrate('VerifyMigration', options);
  tally.migrated++;
  same(await allRows(migrated, schema), before.rows, 'the migration changes no row');
  await compareTransactions(databases, drawn, plan, routes, tally);
  const verified = await withCore(url, (core) => verifyTable(core, { table }));
  same(
    verified.checks.filter(({ passed }) => !passed),
    [],
    'every check passes after the transactions',
  );

  const rows = await allRows(migrated, schema);
  const back = new Execution();
  await back.plan({ table, operation: 'rollback' });
  await back.rollBack(null);
  same(await catalog(migrated), before.catalog, 'the rollback puts the catalog back');
  same(await allRows(migrated, schema), rows, 'the rollback changes no row');
}

/** PostgreSQL's own routing: no complete key of a paired referencing leaf has its place in any other referenced leaf. */
function checkPairs(plan: Plan, routes: Routes, tally: Tally): void {
  const partners = new Map(plan.pairs.map(({ referencing, referenced }) => [referencing, referenced]));
  same(partners.size, plan.pairs.length, 'a referencing leaf is in one pair');
  const holders = new Map<string, Set<string | null>>();
  for (const [key, leaf] of routes.referencing) {
    if (leaf === null || key.includes('null')) continue;
    const holder = routes.referenced.get(key) ?? null;
    holders.set(leaf, (holders.get(leaf) ?? new Set()).add(holder));
    const partner = partners.get(leaf);
    if (partner !== undefined && holder !== null)
      same(holder, partner, `the key ${key} of ${leaf} lies in its partner`);
  }
  for (const [leaf, found] of holders)
    if (!partners.has(leaf) && found.size === 1 && !found.has(null)) tally.overlooked++;
}

async function compareTransactions(
  { original, migrated }: TwoDatabases,
  { schema, transactions }: Case,
  plan: Plan,
  routes: Routes,
  tally: Tally,
): Promise<void> {
  const findings = new Set(plan.findings.map(({ id }) => id));
  const uncovered = new Set(
    plan.unpaired.flatMap(({ side, partition }) => (side === 'referencing' ? [partition] : [])),
  );
  for (const transaction of transactions) {
    const reasons = transaction.statements.flatMap((one) => foretold(schema, one, routes, findings, uncovered));
    const keep = reasons.length === 0;
    const before = await runTransaction(original, schema, transaction, keep);
    const after = await runTransaction(migrated, schema, transaction, keep);
    tally.transactions++;
    if (before.end === 'COMMIT') tally.accepted++;
    if (!keep) {
      tally.foretold++;
      // What was accepted may be refused now. Anything else needs a finding that says so: a partition that is left without
      // a foreign key, or rows that move without the guard.
      const silent = reasons.some(
        (id) => id === 'unpaired-empty-partition' || (id === 'row-movement' && !schema.guard),
      );
      const refused = after.end.startsWith('23');
      if (!silent && !refused) same(after, before, 'a foretold difference is a refusal');
      continue;
    }
    same(after, before, 'under pair FKs a transaction ends as under the parent FK');
    same(await allRows(migrated, schema), await allRows(original, schema), 'and leaves the same rows');
  }
}

async function withCore<Result>(databaseUrl: string, work: (core: Client) => Promise<Result>): Promise<Result> {
  const core = await connect({ databaseUrl, applicationName: 'p2pfk/-/property' });
  try {
    return await work(core);
  } finally {
    await core.end();
  }
}
