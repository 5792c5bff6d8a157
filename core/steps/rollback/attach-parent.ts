/** AttachParent: restores the parent FK exactly as it was, with the strategy that the plan forecast. */

import type { Client } from 'pg';
import { restoreFiringStatements } from '../../catalog/firing-modes.ts';
import type { ForeignKey } from '../../catalog/foreign-key.ts';
import { attachedPairs, readPairStatus } from '../../catalog/pairs.ts';
import { statementTexts } from '../../catalog/statements.ts';
import { refuseUnsafeReturn } from '../../catalog/untrusted-code.ts';
import { OrphanedRows, RollbackFailed } from '../../contracts/errors.ts';
import { ledgerStepOf, Steps } from '../../contracts/steps/catalogue.ts';
import type { MigrationEvent } from '../../contracts/steps/events.ts';
import type { AttachResult } from '../../contracts/steps/results.ts';
import { changeMigration } from '../../ledger/migrations.ts';
import { type LedgerPair, readPairs } from '../../ledger/pairs.ts';
import { executeDdl } from '../../postgres/execute.ts';
import type { LockRequest } from '../../postgres/locks/lock-wait.ts';
import { together } from '../../postgres/session/deadline.ts';
import { runOne } from '../../postgres/sql.ts';
import { cannotRollBack } from '../cannot-roll-back.ts';
import { type EnteredMigration, enterAny, type StepContext } from '../context.ts';
import { refuseForeignTable } from '../foreign-table.ts';
import { underLock } from '../locks/lock-budget.ts';
import { lockedWork } from '../locks/locked-work.ts';
import { defineStep } from '../step.ts';
import { lockForValidation, validate } from '../validation.ts';
import { lockOfTables } from '../verified-drop.ts';
import { readParentForeignKey, wayBackOf } from './fence.ts';

const STEP = ledgerStepOf('attach-parent');
/**
 * Where the plan has announced more than the lock budget: the forecast is scaled from measurements, and the work may take this many
 * times as long before it is cut and retried.
 */
const FORECAST_MARGIN = 10;

/**
 * @returns RUNNING while the parent FK is being validated (18+); the next call finds the validation
 * @throws RollbackFailed when the parent FK cannot be restored as it was, for example because of orphaned rows
 */
export async function attachParent(context: StepContext, event: MigrationEvent): Promise<AttachResult> {
  const entered = await enterAny(context, event);
  const { migration, foreignKey } = entered;
  const done = { object: migration.constraint_name, waitSeconds: 0, durationMs: 0, lockWaitMs: 0 };
  try {
    // The plan checked this, possibly hours ago.
    await refuseUnsafeReturn(context.client, entered.foreignKey);
    const parentBefore = await readParentForeignKey(context, migration);
    const added = parentBefore ? done : { ...done, ...(await add(context, entered, event.execution)) };
    const parent = await readParentForeignKey(context, migration);
    if (!parent) {
      const failure = new RollbackFailed(`parent FK ${migration.constraint_name} was added and is not there`);
      return await cannotRollBack(context.client, entered, event.execution, failure);
    }
    let cost: Pick<AttachResult, 'cost'> = {};
    if (!parent.validated) {
      const { sql, constraint_name } = await runOne(context.client, 'statements/validate-foreign-key', {
        constraint_oid: parent.oid,
      });
      const tables = { ...foreignKey, referencing: foreignKey.table, referenced: foreignKey.referencedTable };
      const outcome = await validate(context, entered, {
        step: STEP,
        direction: 'rollback',
        execution: event.execution,
        pair: 0,
        constraintOid: parent.oid,
        constraintName: constraint_name,
        lock: await lockForValidation(context.client, tables),
        sql,
        reads: foreignKey,
      });
      cost = outcome.cost === undefined ? {} : { cost: outcome.cost };
      if (outcome.status === 'RUNNING')
        return { ...added, ...cost, status: 'RUNNING', waitSeconds: outcome.waitSeconds };
    }
    // The drop is undone: a later drop of the same migration is a new one.
    await changeMigration(context.client, migration.id, { dropped_at: null });
    return { ...added, ...cost, status: parentBefore ? 'SKIPPED' : 'DONE' };
  } catch (error) {
    refuseForeignTable(error, `a partition of ${migration.table_name}`);
    if (!(error instanceof OrphanedRows)) throw error;
    const failure = new RollbackFailed(
      `parent FK ${migration.constraint_name} cannot come back: rows of ${migration.table_name} have no row in ${migration.referenced_name}; the pair foreign keys stay`,
      error.context,
      { cause: error },
    );
    return await cannotRollBack(context.client, entered, event.execution, failure);
  }
}

async function add(
  context: StepContext,
  entered: EnteredMigration,
  execution: string,
): Promise<{ durationMs: number; lockWaitMs: number }> {
  const { client } = context;
  const { migration, foreignKey, lockBudgetMs } = entered;
  const ofLedger = await readPairs(client, migration.id);
  const pairs = await attachedPairs(client, foreignKey, ofLedger);
  const forecast = await wayBackOf(context, migration, ofLedger);
  const attaching = forecast.strategy === 'attach';
  const file = forecast.strategy === 'not-valid' ? 'add-parent-foreign-key-not-valid' : 'add-parent-foreign-key';
  const { sql } = await runOne(client, `statements/${file}`, { ...foreignKey });
  // To attach a leaf's FK, PostgreSQL drops the triggers that are no longer needed, under ACCESS EXCLUSIVE on both sides. If it
  // were requested while writers already wait, it would block them behind any reader, so it is taken first.
  const exclusive = attaching || (forecast.strategy === 'not-valid' && pairs.some((pair) => isNamed(pair, foreignKey)));
  const lock = exclusive
    ? await lockOfTables(client, foreignKey, pairs)
    : await lockForAttach(client, foreignKey, pairs);
  const isScanning = forecast.strategy === 'blocking';
  const isLong = forecast.writesBlockedMs > lockBudgetMs;
  const work = lockedWork('attach-parent', entered, execution, {
    pair: null,
    // The plan has announced how long writes wait for this. Where that is more than the budget, the wait before it stays limited.
    heldMs: Math.min(forecast.writesBlockedMs, lockBudgetMs / 2),
    ...(isScanning
      ? { announcedMs: Infinity }
      : isLong
        ? { announcedMs: forecast.writesBlockedMs * FORECAST_MARGIN }
        : {}),
    lock,
  });
  const comment =
    migration.comment === null ? [] : await statementTexts(client, 'statements/comment-foreign-key', { ...foreignKey });
  const { heldMs, lockWaitMs } = await underLock(context, work, async () => {
    const [before, pairStatuses] = await together(
      client,
      // A duplicate invocation may have done this already.
      () => readParentForeignKey(context, migration),
      async () => (attaching ? readPairStatus(client, foreignKey, pairs) : undefined),
    );
    if (before) return;
    if (pairStatuses) {
      // Otherwise the ADD would scan these partitions without a warning while writes wait. A partition that was dropped has
      // nothing to scan.
      const open = pairs.filter((pair) => pairStatuses.get(pair.pair)?.leaf_constraint_validated === false);
      // One that was detached before the locks has nothing to scan either.
      const missing = open.length > 0 ? await attachedPairs(client, foreignKey, open) : [];
      if (missing.length > 0)
        throw new RollbackFailed(
          `${missing.length} partition(s) have no valid FK to attach, the first being ${missing[0]?.referencing}; run p2pfk rollback again`,
        );
    }
    if (isScanning) {
      // Behind the lock, which keeps indexes, CHECKs and statistics away.
      await refuseUnsafeReturn(client, foreignKey);
      await client.query(
        "SELECT set_config('enable_nestloop', 'on', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)",
      );
    }
    if (forecast.strategy === 'not-valid') await addNamedChildren(client, foreignKey, pairs);
    await together<unknown[]>(client, ...[sql, ...comment].map((text) => () => executeDdl(client, text)));
    for (const firing of await restoreFiringStatements(client, foreignKey)) await executeDdl(client, firing);
  });
  return { durationMs: Math.round(heldMs), lockWaitMs: Math.round(lockWaitMs) };
}

/** SHARE ROW EXCLUSIVE on the same tables: readers are not blocked. */
async function lockForAttach(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly LedgerPair[],
): Promise<LockRequest> {
  const { sql } = await runOne(client, 'statements/lock-tables-for-attach', { ...foreignKey });
  return { ...(await lockOfTables(client, foreignKey, pairs)), sql, ways: undefined, mode: 'SHARE ROW EXCLUSIVE' };
}

/**
 * 18+: a leaf whose child of the parent FK had its own name gets that child back first, for the parent FK to attach. Below 18 the
 * strategy `attach` has already made all children, with their names.
 */
async function addNamedChildren(client: Client, foreignKey: ForeignKey, pairs: readonly LedgerPair[]): Promise<void> {
  const named = pairs.filter((pair) => isNamed(pair, foreignKey));
  if (named.length === 0) return;
  const pairStatuses = await readPairStatus(client, foreignKey, named);
  const missing = named.filter((pair) => pairStatuses.get(pair.pair)?.leaf_constraint_oid === null);
  const texts = await statementTexts(client, 'statements/add-leaf-foreign-key', { ...foreignKey, pairs: missing });
  await together<unknown[]>(client, ...texts.map((sql) => () => executeDdl(client, sql)));
}

/** Whether the parent FK's child on this leaf had its own name. */
function isNamed(pair: LedgerPair, foreignKey: ForeignKey): boolean {
  return pair.root_constraint !== null && pair.root_constraint !== foreignKey.constraint_name;
}

export const step = defineStep(Steps['attach-parent'], attachParent);
