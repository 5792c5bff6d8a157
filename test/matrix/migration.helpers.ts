/** The whole way, as `p2pfk migrate` and `p2pfk rollback` go it: the built state machine in the local engine. */
import type { Client } from 'pg';
import { expect } from 'vitest';
import { verifyTable } from '../../core/checks/verification.ts';
import { messageOfCause } from '../../core/contracts/cause.ts';
import type { Plan, Verification } from '../../core/contracts/documents.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { connect } from '../../core/ledger/connect.ts';
import { planMigration } from '../../core/plan/read-plan.ts';
import type { LocalInput } from '../../local/executions.ts';
import { rowsSnapshot } from '../support/catalog.ts';
import { runExecution } from '../support/run-execution.ts';
import { catalog } from './catalog.helpers.ts';
import { watchCoverage } from './coverage.helpers.ts';
import type { MatrixDatabase } from './server.helpers.ts';

/** How an execution ended, in one object that reads well when it is not what was expected. */
export interface Ending {
  readonly status: string;
  readonly error?: string;
  readonly message?: string;
  readonly states: readonly string[];
}

/** Runs one execution to its end; the states are those that it entered, each once. */
export async function execute(db: MatrixDatabase, input: LocalInput): Promise<Ending> {
  const states: string[] = [];
  const { outcome } = await runExecution({
    input,
    databaseUrl: db.url,
    onEvent: ({ change, visit }) => {
      if (change === 'entered' && visit !== null && !states.includes(visit.state)) states.push(visit.state);
    },
  });
  if (outcome.status === 'SUCCEEDED') return { ...(outcome.output as { status: string }), states };
  if (outcome.status === 'ABORTED') return { status: 'ABORTED', states };
  return { status: 'FAILED', error: outcome.error, message: messageOfCause(outcome.cause) ?? '', states };
}

/** A session as the core opens it. */
export async function withCore<Result>(db: MatrixDatabase, work: (core: Client) => Promise<Result>): Promise<Result> {
  const core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/matrix' });
  try {
    return await work(core);
  } finally {
    await core.end();
  }
}

export function plan(db: MatrixDatabase, input: LocalInput): Promise<Plan> {
  return withCore(db, (core) => planMigration(core, ExecutionInput.parse(input)));
}

export function verify(db: MatrixDatabase, { table, constraint }: LocalInput): Promise<Verification> {
  return withCore(db, (core) =>
    verifyTable(core, { table, ...(constraint === undefined ? {} : { constraint: String(constraint) }) }),
  );
}

/** Schema and rows, but for the ledger. */
export async function everything(observer: Client): Promise<string> {
  return `${await catalog(observer)}\n${await rowsSnapshot(observer)}`;
}

/** Ids of the findings of severity `error`. */
export function errorsOf({ findings }: Plan): string[] {
  return findings.flatMap(({ id, severity }) => (severity === 'error' ? [id] : []));
}

/**
 * Expects an execution to end well, and that no instant of it left a leaf uncovered.
 *
 * @param leaves the referencing partitions that have a partner; asked of the plan where it is not known
 */
export async function succeeds(
  db: MatrixDatabase,
  input: LocalInput,
  status: string,
  leaves?: readonly string[],
): Promise<Ending> {
  const watched = leaves ?? (await plan(db, input)).pairs.map((pair) => pair.referencing);
  const { rows } = await db.observer.query<{ oid: number }>(
    'SELECT leaf::regclass::oid AS oid FROM unnest($1::text[]) AS leaf',
    [watched],
  );
  const coverage = watchCoverage(
    await db.client(),
    rows.map(({ oid }) => oid),
  );
  let ending: Ending;
  let seen: Awaited<ReturnType<typeof coverage.stop>>;
  try {
    ending = await execute(db, input);
  } finally {
    seen = await coverage.stop();
  }
  expect([ending.status, ending.error, ending.message]).toEqual([status, undefined, undefined]);
  expect(seen.uncovered).toEqual([]);
  expect(seen.looks).toBeGreaterThan(0);
  return ending;
}
