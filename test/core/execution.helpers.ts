/** Executions by hand: the real handlers, called in the order in which the state machine calls them. */
import { expect, onTestFinished } from 'vitest';
import type * as z from 'zod';
import { type StepName, Steps } from '../../core/contracts/steps/catalogue.ts';
import type { PairItem, PlanResult, RolledBackResult } from '../../core/contracts/steps/results.ts';
import type { HandlerContext } from '../../lambdas/handler.ts';
import { handlers, shareSessions } from '../../local/handlers.ts';
import { KeptSessions } from '../../local/sessions/kept-sessions.ts';
import type { TestDatabase } from '../support/database.ts';
import { everything, executionArn, findDatabaseAt, type TestCase, THREE_PAIRS, useDatabase } from './case.helpers.ts';
import { cloneOf, knownSource, type Source, sourceOf } from './clones.helpers.ts';

/** What a Catch hands to Fence and Pause. */
export interface Caught {
  readonly Error: string;
  readonly Cause?: string;
}

/** The forward states after Plan, in their order. */
export const FORWARD = [
  'BuildIndexes',
  'AddForeignKeys',
  'ValidateForeignKeys',
  'VerifyGate',
  'DropParentForeignKey',
  'VerifyMigration',
] as const;
export type ForwardState = (typeof FORWARD)[number];

/** Milliseconds of lock budget in tests that are not about it. */
const PATIENT_MS = 10_000;

/** Calls a function; its result has to be what the catalogue declares, with no key besides. */
async function call<Result extends z.ZodType>(
  name: StepName,
  schema: Result,
  event: unknown,
  context?: HandlerContext,
): Promise<z.infer<Result>> {
  const result = await handlers[name](event, context);
  const declared = schema.parse(result);
  expect(declared).toEqual(result);
  return declared;
}

/** The steps of this execution share sessions, as on the local engine: `P2PFK_TEST_SESSIONS=kept npx vitest run test/core/steps`. */
export function keepSessions(arn: string): void {
  const sessions = new KeptSessions();
  shareSessions(arn, sessions);
  onTestFinished(() => sessions.end());
}

/** Again, as the state machine does, where a busy machine needs longer than a small lock budget. */
export async function untilItFits<Result>(step: () => Promise<Result>, tries = 40): Promise<Result> {
  for (; ; tries--) {
    try {
      return await step();
    } catch (error) {
      const { name, message } = error as Error;
      if (tries <= 1 || name !== 'LockTimeout' || !/(?:did|does) not fit into/.test(message)) throw error;
    }
  }
}

/** One execution; `plan` first, as its result says what the others work on. */
export class Execution {
  readonly arn: string;
  migrationId = '';
  pairs: readonly PairItem[] = [];
  database: PlanResult['database'] | null = null;

  constructor(arn = executionArn()) {
    this.arn = arn;
    if (process.env.P2PFK_TEST_SESSIONS === 'kept') keepSessions(arn);
  }

  async plan(input: Record<string, unknown> = {}): Promise<PlanResult> {
    // Nobody retries here as the state machine would: a busy machine must not make a verified drop too long for its budget.
    const result = await call('plan', Steps.plan.result, {
      input: { table: 'path', lockTimeoutMs: PATIENT_MS, ...input },
      execution: this.arn,
    });
    this.migrationId = result.migrationId ?? '';
    this.pairs = result.pairs;
    this.database = result.database;
    return result;
  }

  /** Runs one state, for all of its pairs where it has them. */
  async run(state: ForwardState): Promise<unknown[]> {
    switch (state) {
      case 'BuildIndexes':
        return this.forEachPair((pair) => this.buildIndex(pair));
      case 'AddForeignKeys':
        return this.forEachPair((pair) => this.addForeignKey(pair));
      case 'ValidateForeignKeys':
        return this.forEachPair((pair) => this.validateForeignKey(pair));
      case 'VerifyGate':
        return [await this.verifyGate()];
      case 'DropParentForeignKey':
        return [await this.dropParentForeignKey()];
      case 'VerifyMigration':
        return [await this.verifyMigration()];
    }
  }

  /** Runs the forward states up to and with `last`. */
  async runUntil(last: ForwardState): Promise<void> {
    for (const state of FORWARD.slice(0, FORWARD.indexOf(last) + 1)) await untilItFits(() => this.run(state));
  }

  /** Plans, and runs the forward states up to and with `last`. */
  async migrate(last: ForwardState | 'Plan' = 'VerifyMigration', input: Record<string, unknown> = {}): Promise<void> {
    await this.plan(input);
    if (last !== 'Plan') await this.runUntil(last);
  }

  /** The whole rollback branch. */
  async rollBack(error: Caught | null = { Error: 'GateFailed', Cause: 'a test' }): Promise<RolledBackResult> {
    const fenced = await this.fence(error);
    if (fenced.parentForeignKey === 'DROPPED') {
      await Promise.all(fenced.pairs.map(({ pair }) => this.restoreParent(pair)));
      await this.attachParent();
    }
    await this.dropPairForeignKeys();
    return this.verifyRolledBack();
  }

  buildIndex(pair: number, context?: HandlerContext) {
    return call('build-index', Steps['build-index'].result, this.#event(pair), context);
  }
  addForeignKey(pair: number, context?: HandlerContext) {
    return call('add-foreign-key', Steps['add-foreign-key'].result, this.#event(pair), context);
  }
  validateForeignKey(pair: number, context?: HandlerContext) {
    return call('validate-foreign-key', Steps['validate-foreign-key'].result, this.#event(pair), context);
  }
  /** Of one pair, or of the run of pairs up to `last`. */
  countOrphans(pair: number, { last, context }: { last?: number; context?: HandlerContext } = {}) {
    const event = { ...this.#event(pair), ...(last === undefined ? {} : { last }) };
    return call('count-orphans', Steps['count-orphans'].result, event, context);
  }
  /** @param more what a state machine of another version sends */
  verifyGate(context?: HandlerContext, more: { countsPairs?: boolean } = {}) {
    const event = { ...this.#event(), countsPairs: true, ...more };
    return call('verify-gate', Steps['verify-gate'].result, event, context);
  }
  dropParentForeignKey() {
    return call('drop-parent-foreign-key', Steps['drop-parent-foreign-key'].result, this.#event());
  }
  verifyMigration(context?: HandlerContext) {
    return call('verify-migration', Steps['verify-migration'].result, { ...this.#event(), countsPairs: true }, context);
  }
  fence(error: Caught | null = null) {
    return call('fence', Steps.fence.result, { ...this.#event(), error });
  }
  restoreParent(pair: number, context?: HandlerContext) {
    return call('restore-parent', Steps['restore-parent'].result, this.#event(pair), context);
  }
  attachParent() {
    return call('attach-parent', Steps['attach-parent'].result, this.#event());
  }
  dropPairForeignKeys() {
    return call('drop-pair-foreign-keys', Steps['drop-pair-foreign-keys'].result, this.#event());
  }
  verifyRolledBack() {
    return call('verify-rolled-back', Steps['verify-rolled-back'].result, this.#event());
  }
  pause(error: Caught | null = null) {
    return call('pause', Steps.pause.result, { ...this.#event(), error });
  }

  /** Side by side, as the Map states run them. */
  forEachPair<Result>(work: (pair: number) => Promise<Result>): Promise<Result[]> {
    return Promise.all(this.pairs.map(({ pair }) => work(pair)));
  }

  #event(pair?: number) {
    const { migrationId, database, arn: execution } = this;
    return { migrationId, execution, database, ...(pair === undefined ? {} : { pair }) };
  }
}

export interface Migrated extends TestCase {
  readonly execution: Execution;
  /** Schema and rows as they were before the migration. */
  readonly original: string;
}

/**
 * A migration of the three pairs that has come to the end of `last`, with its execution. Made once a test file, cloned for
 * each test; with `input` its execution plans again, which changes its options.
 */
export async function migratedTo(
  last: ForwardState | 'Plan',
  input?: Record<string, unknown>,
  arn = executionArn(),
): Promise<Migrated> {
  const source = await stage(last);
  const testCase = await useDatabase(await cloneOf(source));
  // The clone's lease began when its source was made, which may be minutes ago.
  await testCase.observer.query(
    `UPDATE p2pfk.migration SET execution = $1, lease_until = now() + interval '90 seconds'`,
    [arn],
  );
  const execution = new Execution(arn);
  Object.assign(execution, source.made.progress);
  if (input) await execution.plan(input);
  return { ...testCase, execution, original: source.made.original };
}

interface Stage {
  readonly original: string;
  readonly progress: Pick<Execution, 'migrationId' | 'pairs'>;
}

/** Begins where the last stage that this test file has made already ends. */
async function stage(last: ForwardState | 'Plan'): Promise<Source<Stage>> {
  const stages = ['Plan', ...FORWARD] as const;
  const before = stages.slice(0, stages.indexOf(last)).findLast((earlier) => knownSource(earlier));
  const base = before && (await knownSource<Stage>(before));
  return sourceOf(
    last,
    async (db) => {
      const restore = findDatabaseAt(db.url);
      const execution = new Execution('whoever');
      const original = base ? base.made.original : await seed(db);
      if (base) Object.assign(execution, base.made.progress);
      else await execution.plan();
      for (const state of FORWARD.slice(before ? stages.indexOf(before) : 0, stages.indexOf(last)))
        await execution.run(state);
      restore();
      const { migrationId, pairs } = execution;
      return { original, progress: { migrationId, pairs } };
    },
    base,
  );
}

async function seed(db: TestDatabase): Promise<string> {
  const client = await db.client();
  await client.query(THREE_PAIRS);
  return everything(client);
}

/** A Lambda context whose handler has that many milliseconds left. */
export function timeLeft(milliseconds: number): HandlerContext {
  return { getRemainingTimeInMillis: () => milliseconds };
}
