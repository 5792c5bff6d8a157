/** ValidateForeignKeys, for one pair: checks the existing rows and marks the FK as valid. Blocks no reader and no writer. */

import { statementFor } from '../../catalog/statements.ts';
import { refuseNewCode } from '../../catalog/untrusted-code.ts';
import { countOrphans } from '../../checks/orphan-count.ts';
import { GateFailed, OrphanedRows } from '../../contracts/errors.ts';
import { ledgerStepOf, Steps } from '../../contracts/steps/catalogue.ts';
import type { PairEvent } from '../../contracts/steps/events.ts';
import type { CostToOthers, PairResult } from '../../contracts/steps/results.ts';
import { changePair } from '../../ledger/pairs.ts';
import { run } from '../../postgres/sql.ts';
import { eachPair, isValidated } from '../batch.ts';
import {
  beforeLongWork,
  type EnteredMigration,
  type EnteredPair,
  enterPair,
  enterWithinWindow,
  type StepContext,
} from '../context.ts';
import { costSoFar } from '../cost-to-others.ts';
import { pairResult } from '../pair-result.ts';
import { defineStep } from '../step.ts';
import { foundOrphans, lockForValidation, validate } from '../validation.ts';

const STEP = ledgerStepOf('validate-foreign-key');

/**
 * @returns RUNNING when the handler's time was up before the validation's end; the next call finds the validation
 * @throws OrphanedRows with their number, when referencing rows have no referenced row
 * @throws GateFailed when the pair FK was dropped after it was added
 */
export async function validateForeignKey(context: StepContext, event: PairEvent): Promise<PairResult> {
  const { client } = context;
  const entered = await enterWithinWindow(context, event);
  const target = await enterPair(context, entered, event.pair);
  const { pair, pairStatus } = target;
  if (pairStatus.constraint_oid === null)
    throw new GateFailed(
      `pair FK ${pair.constraint_name} of ${pair.referencing} is gone: it was dropped after it was added`,
    );
  if (pairStatus.validated) {
    // A call before this one may have left it running.
    const reads = [pair.referencing_oid, pair.referenced_oid];
    const cost = pair.state === 'validated' ? undefined : await costSoFar(client, reads);
    return finish(context, entered, target, { status: 'SKIPPED', cost });
  }
  const throttled = await beforeLongWork(context, entered, target, 'validate', pairStatus.constraint_oid);
  if (throttled) return pairResult('RUNNING', target, { object: pairStatus.constraint_name, ...throttled });

  const pairs = [{ ...pair, constraint_name: pairStatus.constraint_name }];
  const lock = await lockForValidation(client, pair);
  const { sql } = await statementFor(client, pair, 'statements/validate-pair-foreign-key', { pairs });
  let cost: CostToOthers | undefined;
  try {
    const outcome = await validate(context, entered, {
      step: STEP,
      direction: 'forward',
      execution: event.execution,
      pair: pair.pair,
      constraintOid: pairStatus.constraint_oid,
      constraintName: pairStatus.constraint_name,
      lock,
      sql,
      reads: { ...pair, table: pair.referencing },
    });
    if (outcome.status === 'RUNNING')
      return pairResult('RUNNING', target, { object: pairStatus.constraint_name, ...outcome });
    cost = outcome.cost;
  } catch (error) {
    throw foundOrphans(error) ? await explainOrphans(context, entered, target, error) : error;
  }
  return finish(context, entered, target, { status: 'DONE', cost });
}

async function finish(
  context: StepContext,
  { migration }: EnteredMigration,
  target: EnteredPair,
  { status, cost }: { readonly status: 'DONE' | 'SKIPPED'; readonly cost: CostToOthers | undefined },
): Promise<PairResult> {
  const { pair, pairStatus } = target;
  const [event] = await run(context.client, 'ledger/last-event', {
    migration_id: migration.id,
    pair: pair.pair,
    step: STEP,
  });
  const durationMs = event?.duration_ms ?? 0;
  const lockWaitMs = event?.lock_wait_ms ?? 0;
  // When the step is repeated, the ledger already has the pair as validated, and its lock wait is counted.
  if (pair.state !== 'validated')
    await changePair(context.client, migration.id, pair.pair, {
      state: 'validated',
      validate_ms: durationMs,
      lock_wait_ms: lockWaitMs,
    });
  return pairResult(status, target, { object: pairStatus.constraint_name, durationMs, lockWaitMs, cost });
}

async function explainOrphans(
  context: StepContext,
  { foreignKey, migration }: EnteredMigration,
  target: EnteredPair,
  error: OrphanedRows,
): Promise<OrphanedRows> {
  const { pair, pairStatus, referencing, referenced } = target;
  await refuseNewCode(context.client, { ...pair, table: pair.referencing });
  const [count] = await countOrphans(context.client, foreignKey, [{ ...pair, ...pairStatus }]);
  const message = `${count?.orphans ?? 'some'} row(s) of ${referencing} have no row in ${referenced}; they are listed by: ${count?.listSql ?? error.context.statement}`;
  await changePair(context.client, migration.id, pair.pair, { last_error: message, attempts: 1 });
  return new OrphanedRows(
    message,
    {
      sqlState: '23503',
      ...(count ? { orphans: count.orphans } : {}),
      ...(error.context.statement ? { statement: pairStatus.constraint_name } : {}),
    },
    { cause: error },
  );
}

export const step = defineStep(Steps['validate-foreign-key'], eachPair(validateForeignKey, isValidated));
