/** Executions by hand: the real handlers, called in the order in which the state machine calls them. */
import type {
  DropPairsResult,
  DropResult,
  FenceResult,
  GateResult,
  PairItem,
  PairResult,
  PauseResult,
  PlanResult,
  RolledBackResult,
  VerifyMigrationResult,
} from '../../core/contracts/steps/results.ts';
import type { AttachResult } from '../../core/steps/rollback/attach-parent.ts';
import { handler as addForeignKey } from '../../lambdas/add-foreign-key.ts';
import { handler as attachParent } from '../../lambdas/attach-parent.ts';
import { handler as buildIndex } from '../../lambdas/build-index.ts';
import { handler as dropPairForeignKeys } from '../../lambdas/drop-pair-foreign-keys.ts';
import { handler as dropParentForeignKey } from '../../lambdas/drop-parent-foreign-key.ts';
import { handler as fence } from '../../lambdas/fence.ts';
import type { HandlerContext } from '../../lambdas/handler.ts';
import { handler as pause } from '../../lambdas/pause.ts';
import { handler as plan } from '../../lambdas/plan.ts';
import { handler as restoreParent } from '../../lambdas/restore-parent.ts';
import { handler as validateForeignKey } from '../../lambdas/validate-foreign-key.ts';
import { handler as verifyGate } from '../../lambdas/verify-gate.ts';
import { handler as verifyMigration } from '../../lambdas/verify-migration.ts';
import { handler as verifyRolledBack } from '../../lambdas/verify-rolled-back.ts';
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

/** One execution; `plan` first, as its result says what the others work on. */
export class Execution {
  readonly arn: string;
  migrationId = '';
  pairs: readonly PairItem[] = [];
  database: PlanResult['database'] | null = null;

  constructor(arn = executionArn()) {
    this.arn = arn;
  }

  async plan(input: Record<string, unknown> = {}): Promise<PlanResult> {
    // Nobody retries here as the state machine would: a busy machine must not make a verified drop too long for its budget.
    const result = (await plan({
      input: { table: 'path', lockTimeoutMs: PATIENT_MS, ...input },
      execution: this.arn,
    })) as PlanResult;
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
    for (const state of FORWARD.slice(0, FORWARD.indexOf(last) + 1)) await this.run(state);
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
    return buildIndex(this.#event(pair), context) as Promise<PairResult>;
  }
  addForeignKey(pair: number, context?: HandlerContext) {
    return addForeignKey(this.#event(pair), context) as Promise<PairResult>;
  }
  validateForeignKey(pair: number, context?: HandlerContext) {
    return validateForeignKey(this.#event(pair), context) as Promise<PairResult>;
  }
  verifyGate(context?: HandlerContext) {
    return verifyGate(this.#event(), context) as Promise<GateResult>;
  }
  dropParentForeignKey() {
    return dropParentForeignKey(this.#event()) as Promise<DropResult>;
  }
  verifyMigration(context?: HandlerContext) {
    return verifyMigration(this.#event(), context) as Promise<VerifyMigrationResult>;
  }
  fence(error: Caught | null = null) {
    return fence({ ...this.#event(), error }) as Promise<FenceResult>;
  }
  restoreParent(pair: number, context?: HandlerContext) {
    return restoreParent(this.#event(pair), context) as Promise<PairResult>;
  }
  attachParent() {
    return attachParent(this.#event()) as Promise<AttachResult>;
  }
  dropPairForeignKeys() {
    return dropPairForeignKeys(this.#event()) as Promise<DropPairsResult>;
  }
  verifyRolledBack() {
    return verifyRolledBack(this.#event()) as Promise<RolledBackResult>;
  }
  pause(error: Caught | null = null) {
    return pause({ ...this.#event(), error }) as Promise<PauseResult>;
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
