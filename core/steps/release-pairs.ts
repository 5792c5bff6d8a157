/**
 * Drops what this migration has added to pairs that no longer exist (because a partition was detached, or got another bound,
 * while the migration was paused), and removes them from the ledger. In a rollback, DropPairForeignKeys does that, with all other
 * pairs.
 */

import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pairing } from '../catalog/pairs.ts';
import { dropGuardStatements } from '../catalog/row-movement-guard.ts';
import { statementFor, statementTexts } from '../catalog/statements.ts';
import type { MigrationOptions } from '../ledger/migrations.ts';
import { changePair } from '../ledger/pairs.ts';
import { executeDdl } from '../postgres/execute.ts';
import { together } from '../postgres/session/deadline.ts';
import { type Row, run } from '../postgres/sql.ts';
import type { StepContext } from './context.ts';
import { underLock } from './locks/lock-budget.ts';

const STEP = 'ReleasePair';

/** Which migration, and what its table looks like now. */
export interface ReleaseFrom {
  readonly migrationId: string;
  readonly execution: string;
  readonly foreignKey: ForeignKey;
  /** The pairs as they are now. */
  readonly pairing: Pairing;
  readonly options: MigrationOptions;
}

/**
 * Changes nothing unless a valid parent FK exists: without it a pair FK may be all that guards its rows.
 *
 * @throws LockTimeout when one of the partitions is in use; the next call continues with the pairs that are left
 */
export async function releaseGonePairs(context: StepContext, from: ReleaseFrom): Promise<void> {
  const { client, logger } = context;
  const { migrationId, foreignKey } = from;
  if (foreignKey.constraint_oid === null || foreignKey.validated === false) return;
  const values = { migration_id: migrationId, pairs: from.pairing.pairs };
  const gone = await run(client, 'ledger/gone-pairs', values);
  for (const pair of gone) {
    await release(context, from, pair);
    logger.info('pair released', { pair: pair.pair, referencing: pair.referencing, referenced: pair.referenced });
  }
  if (gone.length > 0) await run(client, 'ledger/forget-pairs', values);
}

async function release(
  context: StepContext,
  { migrationId, execution, foreignKey, options }: ReleaseFrom,
  pair: Row<'ledger/gone-pairs'>,
): Promise<void> {
  const { client } = context;
  const lock = await statementFor(client, pair, 'statements/lock-pair-for-drop', { pairs: [pair] });
  const work = {
    migrationId,
    execution,
    direction: 'forward',
    step: STEP,
    pair: pair.pair,
    budgetMs: options.lockTimeoutMs,
    terminateIdleAfterSeconds: options.terminateIdleBlockersAfterSeconds,
    lock: {
      sql: lock.sql,
      mode: 'ACCESS EXCLUSIVE',
      relations: [pair.referencing_oid, pair.referenced_oid],
    },
  } as const;
  await underLock(context, work, async () => {
    const [released, guards] = await together(
      client,
      () => statementTexts(client, 'statements/release-pair', { ...foreignKey, pairs: [pair] }),
      () => dropGuardStatements(client, migrationId, [pair]),
    );
    await together<unknown[]>(client, ...[...released, ...guards].map((sql) => () => executeDdl(client, sql)), () =>
      changePair(client, migrationId, pair.pair, { constraint_added: false, index_added: false }),
    );
  });
}
