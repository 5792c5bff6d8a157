/**
 * DropPairForeignKeys: drops what this migration added, and nothing else, once the parent FK exists and is valid. The
 * row-movement guard of a referenced leaf is dropped in the transaction that drops the last pair FK to it.
 */

import { type PairStatus, readPairStatus } from '../../catalog/pairs.ts';
import { dropGuardStatements, readExistingGuards } from '../../catalog/row-movement-guard.ts';
import { statementFor, statementTexts } from '../../catalog/statements.ts';
import { requireFreeReaders } from '../../checks/readers.ts';
import { RollbackFailed } from '../../contracts/errors.ts';
import { ledgerStepOf, Steps } from '../../contracts/steps/catalogue.ts';
import type { MigrationEvent } from '../../contracts/steps/events.ts';
import type { DropPairsResult } from '../../contracts/steps/results.ts';
import type { Migration } from '../../ledger/migrations.ts';
import { runNoted } from '../../ledger/notes/noted-statements.ts';
import { changePair, type LedgerPair, readPairs } from '../../ledger/pairs.ts';
import { executeDdl } from '../../postgres/execute.ts';
import { together } from '../../postgres/session/deadline.ts';
import { runOne } from '../../postgres/sql.ts';
import { cannotRollBack } from '../cannot-roll-back.ts';
import { type EnteredMigration, enterAny, type StepContext } from '../context.ts';
import { underLock } from '../locks/lock-budget.ts';
import { lockedWork } from '../locks/locked-work.ts';
import { defineStep } from '../step.ts';
import { readParentForeignKey } from './fence.ts';

const STEP = ledgerStepOf('drop-pair-foreign-keys');

/**
 * @throws LockTimeout when a pair is in use; the next call continues with the pairs that are left
 * @throws RollbackFailed when the parent FK does not exist or is not valid
 */
export async function dropPairForeignKeys(context: StepContext, event: MigrationEvent): Promise<DropPairsResult> {
  const entered = await enterAny(context, event);
  const { migration, foreignKey } = entered;
  const pairs = await readPairs(context.client, migration.id);
  await requireParent(context, entered, event.execution);

  const pairStatuses = await readPairStatus(context.client, foreignKey, pairs);
  const keepIndexes = keepsIndexes(migration);
  let keptIndexes = 0;
  for (const pair of pairs) {
    const now = pairStatuses.get(pair.pair);
    if (now && (await rollbackStatements(context, entered, pair, now)).length > 0)
      await rollBackUnderLock(context, entered, event.execution, pair);
    // Also where the other partition was dropped, and the foreign key with it.
    const keepsIndex = keepIndexes && pair.index_added && !now?.index_leftover;
    if (pair.index_added && !keepsIndex) await dropIndex(context, entered, event.execution, pair);
    if (keepsIndex) keptIndexes++;
    await changePair(context.client, migration.id, pair.pair, {
      state: 'rolled-back',
      constraint_added: false,
      ...(keepsIndex ? {} : { index_added: false }),
    });
  }
  await dropOtherGuards(context, entered, event.execution, pairs);
  // Counted from the ledger, because an earlier try of this step may have dropped some.
  const dropped = await runOne(context.client, 'ledger/count-dropped', {
    migration_id: migration.id,
  });
  return { status: 'DROPPED', foreignKeys: dropped.foreign_keys, indexes: dropped.indexes, keptIndexes };
}

/** Orphaned rows are not caused by the indexes, and the next migration, after the rows were repaired, needs the same indexes. */
function keepsIndexes({ options, error }: Migration): boolean {
  return options.keepIndexes || error?.name === 'OrphanedRows';
}

/** Without a valid parent FK the pair FKs are all that guards the rows, so they stay. */
async function requireParent(context: StepContext, entered: EnteredMigration, execution: string): Promise<void> {
  const { migration } = entered;
  const parent = await readParentForeignKey(context, migration);
  if (!parent?.validated)
    await cannotRollBack(
      context.client,
      entered,
      execution,
      new RollbackFailed(
        `parent FK ${migration.constraint_name} is not there, or is not valid: the pair foreign keys stay`,
      ),
    );
}

type PutBackName =
  | 'statements/drop-pair-foreign-key'
  | 'statements/rename-pair-foreign-key-back'
  | 'statements/rename-leaf-foreign-key';

/**
 * Statements that alter a pair's two partitions: they drop its FK and the guard, and give the parent FK's child its former name.
 */
async function rollbackStatements(
  { client }: StepContext,
  { migration }: EnteredMigration,
  pair: LedgerPair,
  now: PairStatus,
): Promise<string[]> {
  const sqlOf = async (name: PutBackName, constraint_name: string) =>
    (await statementFor(client, pair, name, { pairs: [{ ...pair, constraint_name }] })).sql;
  const wanted: (() => Promise<string>)[] = [];
  if (pair.constraint_added && now.constraint_oid !== null)
    wanted.push(() => sqlOf('statements/drop-pair-foreign-key', now.constraint_name));
  else if (now.constraint_oid !== null && pair.former_name !== null && pair.former_name !== now.constraint_name)
    wanted.push(() => sqlOf('statements/rename-pair-foreign-key-back', now.constraint_name));
  const { root_constraint: root } = now;
  if (pair.root_constraint !== null && root !== null && root !== pair.root_constraint)
    wanted.push(() => sqlOf('statements/rename-leaf-foreign-key', root));
  const [guards, statements] = await together(
    client,
    () => dropGuardStatements(client, migration.id, [pair]),
    () => together<string[]>(client, ...wanted),
  );
  return [...statements.filter((sql) => sql !== ''), ...guards];
}

async function rollBackUnderLock(
  context: StepContext,
  entered: EnteredMigration,
  execution: string,
  pair: LedgerPair,
): Promise<void> {
  const { client } = context;
  const { foreignKey } = entered;
  const { sql, ways } = await statementFor(client, pair, 'statements/lock-pair-for-drop', { pairs: [pair] });
  const work = lockedWork('drop-pair-foreign-keys', entered, execution, {
    pair: pair.pair,
    lock: {
      sql,
      ways,
      mode: 'ACCESS EXCLUSIVE',
      relations: [pair.referencing_oid, pair.referenced_oid],
    },
  });
  await underLock(context, work, async () => {
    const [, pairStatuses] = await together(
      client,
      () => requireParent(context, entered, execution),
      // Read again: a duplicate invocation may have done this already.
      () => readPairStatus(client, foreignKey, [pair]),
    );
    const now = pairStatuses.get(pair.pair);
    const statements = now ? await rollbackStatements(context, entered, pair, now) : [];
    await together<unknown[]>(client, ...statements.map((sql) => () => executeDdl(client, sql)));
  });
}

/** Drops guards of leaves that are in no pair any more, and the guard of an older version, which is on the referenced table. */
async function dropOtherGuards(
  context: StepContext,
  entered: EnteredMigration,
  execution: string,
  pairs: readonly LedgerPair[],
): Promise<void> {
  const { client } = context;
  const { migration } = entered;
  for (const guard of await readExistingGuards(client, migration.id)) {
    const [lock = ''] = await statementTexts(client, 'statements/lock-guard-for-drop', { pairs: [guard] });
    const work = lockedWork('drop-pair-foreign-keys', entered, execution, {
      pair: null,
      lock: {
        sql: lock,
        mode: 'ACCESS EXCLUSIVE',
        named: [guard.referenced_oid],
        relations: [guard.referenced_oid, ...(guard.old ? pairs.map((pair) => pair.referenced_oid) : [])],
      },
    });
    await underLock(context, work, async () => {
      // A duplicate invocation may have dropped it already: then there is no statement.
      for (const sql of await dropGuardStatements(client, migration.id, [guard])) await executeDdl(client, sql);
    });
  }
}

/**
 * Drops an index outside a transaction; its waits block no reads or writes on the primary. At its end it takes ACCESS EXCLUSIVE
 * on the index. On a standby, the replay of that lock waits for sessions that have read the table, and cancels them after
 * max_standby_streaming_delay. https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT
 */
async function dropIndex(
  { client }: StepContext,
  { migration, foreignKey, lockBudgetMs }: EnteredMigration,
  execution: string,
  pair: LedgerPair,
): Promise<void> {
  const [sql] = await statementTexts(client, 'statements/drop-index', { ...foreignKey, pairs: [pair] });
  // It was dropped, or has become part of an index of the partitioned table.
  if (sql === undefined) return;
  // A late invocation must not drop an index of the same name that a later migration has built.
  await client.query('SELECT p2pfk.enter_rollback($1, $2)', [migration.id, execution]);
  await requireFreeReaders(client, { relations: [pair.referencing_oid], budgetMs: lockBudgetMs, step: STEP });
  await client.query("SELECT set_config('lock_timeout', '0', false)");
  await runNoted(client, { migrationId: migration.id, execution, pair: pair.pair, step: STEP }, sql);
}

export const step = defineStep(Steps['drop-pair-foreign-keys'], dropPairForeignKeys);
