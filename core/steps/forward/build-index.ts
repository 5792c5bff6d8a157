/** BuildIndexes, for one pair: builds the supporting index CONCURRENTLY, where no index serves. */

import { readPairStatus } from '../../catalog/pairs.ts';
import { maintenanceMemory } from '../../catalog/server-facts.ts';
import { statementFor } from '../../catalog/statements.ts';
import { requireFreeReaders } from '../../checks/readers.ts';
import { IndexBuildFailed } from '../../contracts/errors.ts';
import { ledgerStepOf, Steps } from '../../contracts/steps/catalogue.ts';
import type { PairEvent } from '../../contracts/steps/events.ts';
import type { CostToOthers, PairResult } from '../../contracts/steps/results.ts';
import { noteEvent } from '../../ledger/notes/events.ts';
import { runNoted } from '../../ledger/notes/noted-statements.ts';
import { changePair } from '../../ledger/pairs.ts';
import { withFreeNames } from '../../postgres/free-names.ts';
import { CALLER_SEARCH_PATH, useCallerSearchPath } from '../../postgres/session/caller-search-path.ts';
import { eachPair, isIndexed } from '../batch.ts';
import {
  beforeLongWork,
  type EnteredMigration,
  type EnteredPair,
  enterPair,
  enterWithinWindow,
  type StepContext,
} from '../context.ts';
import { costSoFar } from '../cost-to-others.ts';
import { runDetached } from '../detached.ts';
import { pairResult } from '../pair-result.ts';
import { defineStep } from '../step.ts';

const STEP = ledgerStepOf('build-index');

/**
 * @throws NameTaken when another role took each of several names before it could be used
 * @throws IndexBuildFailed when the index is not valid after its build; the next attempt drops and builds it
 */
export function buildIndex(context: StepContext, event: PairEvent): Promise<PairResult> {
  return withFreeNames((salt) => buildNamed(context, event, salt));
}

async function buildNamed(context: StepContext, event: PairEvent, salt: string | undefined): Promise<PairResult> {
  const entered = await enterWithinWindow(context, event);
  const target = await enterPair(context, entered, event.pair, { indexes: true, salt });
  const { migration, foreignKey } = entered;
  const { pair, pairStatus } = target;
  const reads = [pair.referencing_oid];
  const noting = { migrationId: migration.id, execution: event.execution, pair: pair.pair, step: STEP };
  if (pairStatus.has_index || migration.options.noIndexes) {
    // A handler left the build running when its time was up, so its end has not been noted yet.
    if (pairStatus.has_index && pair.index_added && pair.state === 'planned' && pair.index_ms === null)
      await noteBuild(context, noting, await statementOn(context, entered, target, 'statements/create-index'), null);
    const isOurs = pairStatus.has_index && pair.index_added && pair.state === 'planned';
    const cost = isOurs ? await costSoFar(context.client, reads) : undefined;
    return finish(context, migration.id, target, { object: pairStatus.index_name, status: 'SKIPPED', cost });
  }
  const throttled = await beforeLongWork(context, entered, target, 'index', pair.referencing_oid);
  if (throttled) return pairResult('RUNNING', target, { object: pairStatus.index_name, ...throttled });

  // Noted before the build: what is left of the build, valid or not, is known to be ours.
  await changePair(context.client, migration.id, pair.pair, { index_name: pairStatus.index_name, index_added: true });
  const statement = (name: IndexStatement) => statementOn(context, entered, target, name);
  const memory = await maintenanceMemory(context.client, migration.options);
  const createIndex = await statement('statements/create-index');
  const outcome = await runDetached(context, {
    migrationId: migration.id,
    execution: event.execution,
    step: 'build-index',
    pair: pair.pair,
    direction: 'forward',
    noted: { step: STEP, sql: createIndex },
    lockOid: pair.referencing_oid,
    reads,
    terminateIdleAfterSeconds: migration.options.terminateIdleBlockersAfterSeconds,
    script: async (session) => {
      // CONCURRENTLY cannot run in a transaction that the fence would wait for, so `fence` waits until the row in p2pfk.running
      // has ended.
      await session.query('SELECT p2pfk.enter($1, $2)', [migration.id, event.execution]);
      await useCallerSearchPath(session, migration.options.searchPath);
      // No lock_timeout: the waits for older transactions block no reads or writes, and a wait that is cut leaves an INVALID
      // index.
      await session.query(
        "SELECT set_config('lock_timeout', '0', false), set_config('maintenance_work_mem', $1, false)",
        [`${memory}MB`],
      );
      const now = (await readPairStatus(session, foreignKey, [pair], { indexes: true })).get(pair.pair);
      if (now?.has_index) return undefined;
      if (now?.index_leftover) {
        // At its end it takes ACCESS EXCLUSIVE on the index, which standbys replay.
        const relations = [pair.referencing_oid];
        await requireFreeReaders(context.client, { relations, budgetMs: entered.lockBudgetMs, step: STEP });
        await runNoted(context.client, noting, await statement('statements/drop-index'), session);
      }
      // CREATE INDEX CONCURRENTLY has to be alone in its message, and the session runs nothing after it.
      await session.query(CALLER_SEARCH_PATH.session);
      return createIndex;
    },
  });
  if (outcome.status === 'RUNNING') return pairResult('RUNNING', target, { object: pairStatus.index_name, ...outcome });
  const now = (await readPairStatus(context.client, foreignKey, [pair], { indexes: true })).get(pair.pair);
  if (!now?.has_index)
    throw new IndexBuildFailed(
      `index ${pairStatus.index_name} on ${pair.referencing} is not valid after its build; the next attempt drops and rebuilds it`,
    );
  const { durationMs, cost } = outcome;
  if (outcome.ran) await noteBuild(context, noting, createIndex, durationMs);
  await changePair(context.client, migration.id, pair.pair, { index_ms: durationMs });
  return finish(context, migration.id, target, { object: pairStatus.index_name, status: 'DONE', durationMs, cost });
}

type IndexStatement = 'statements/create-index' | 'statements/drop-index';

async function statementOn(
  { client }: StepContext,
  { foreignKey }: EnteredMigration,
  { pair, pairStatus }: EnteredPair,
  name: IndexStatement,
): Promise<string> {
  const named = { ...pair, index_name: pairStatus.index_name, index_columns: pairStatus.index_columns };
  const { sql } = await statementFor(client, pair, name, { ...foreignKey, pairs: [named] });
  return sql;
}

async function noteBuild(
  { client }: StepContext,
  { migrationId, ...noting }: { migrationId: string; execution: string; pair: number; step: string },
  sql: string,
  durationMs: number | null,
): Promise<void> {
  await noteEvent(client, migrationId, { ...noting, sql, durationMs, error: null });
}

async function finish(
  context: StepContext,
  id: string,
  target: EnteredPair,
  {
    object,
    status,
    durationMs = 0,
    cost,
  }: {
    readonly object: string;
    readonly status: 'DONE' | 'SKIPPED';
    readonly durationMs?: number;
    readonly cost: CostToOthers | undefined;
  },
): Promise<PairResult> {
  const { pair } = target;
  if (pair.state === 'planned')
    await changePair(context.client, id, pair.pair, { state: 'indexed', index_name: object });
  const there = status === 'DONE' || target.pairStatus.has_index;
  return pairResult(status, target, { object: there ? object : '', durationMs, cost });
}

export const step = defineStep(Steps['build-index'], eachPair(buildIndex, isIndexed));
