/**
 * First half of RestoreParent, for one pair: a pair FK that has taken the parent FK's name gets its former name back, because the
 * leaf's FK to the referenced parent needs the name. From then on the pair FK is checked at COMMIT, so that SET CONSTRAINTS by
 * name works as before.
 */

import { readPairStatus } from '../catalog/pairs.ts';
import { statementTexts } from '../catalog/statements.ts';
import { executeDdl } from '../postgres/execute.ts';
import { together } from '../postgres/session/deadline.ts';
import { run } from '../postgres/sql.ts';
import type { EnteredMigration, EnteredPair, StepContext } from './context.ts';
import { underLock } from './locks/lock-budget.ts';
import { lockedWork } from './locks/locked-work.ts';

/** @throws LockTimeout when the pair is in use; the next call continues */
export async function freeParentName(
  context: StepContext,
  entered: EnteredMigration,
  { pair, pairStatus }: Pick<EnteredPair, 'pair' | 'pairStatus'>,
  execution: string,
): Promise<void> {
  const { client } = context;
  const { migration, foreignKey } = entered;
  const { former_name } = pair;
  if (former_name === null || pairStatus.constraint_oid === null || pairStatus.constraint_name === former_name) return;
  const pairs = [{ ...pair, constraint_name: pairStatus.constraint_name }];
  const [rename] = await statementTexts(client, 'statements/rename-pair-foreign-key-back', { pairs });
  // Another constraint has its former name by now: then the leaf's FK gets another name.
  if (rename === undefined) return;
  const defer = await statementTexts(client, 'statements/defer-pair-foreign-key', {
    ...foreignKey,
    pairs: [{ ...pair, constraint_name: former_name }],
  });
  const [lock = ''] = await statementTexts(client, 'statements/lock-pair-for-drop', { pairs });
  const work = lockedWork('restore-parent', entered, execution, {
    pair: pair.pair,
    lock: {
      sql: lock,
      mode: 'ACCESS EXCLUSIVE',
      relations: [pair.referencing_oid, pair.referenced_oid],
    },
  });
  await underLock(context, work, async () => {
    // A duplicate invocation may have done this already.
    const now = (await readPairStatus(client, foreignKey, [pair])).get(pair.pair);
    if (now?.constraint_oid !== pairStatus.constraint_oid || now.constraint_name === former_name) return;
    const renamed = { ...pair, constraint_name: former_name, former_name: null };
    await together<unknown[]>(client, ...[rename, ...defer].map((sql) => () => executeDdl(client, sql)), () =>
      run(client, 'ledger/rename-pairs', { migration_id: migration.id, pairs: [renamed] }),
    );
  });
}
