/**
 * DropParentForeignKey, the verified drop: one transaction takes every lock at once or none (NOWAIT), runs the gate again,
 * drops, looks at what stands now, deletes some rows in a savepoint, and commits only if all of that was right. So the
 * parent FK never leaves unless what replaces it was seen to work.
 */
import type { Client } from 'pg';
import { execute } from '../connection.ts';
import type { DropResult, MigrationEvent } from '../contracts.ts';
import { probeDelete } from '../delete-probe.ts';
import { GateFailed, LockTimeout, StatementCanceled, VerificationFailed } from '../errors.ts';
import type { ForeignKey } from '../foreign-key.ts';
import { readGate } from '../gate.ts';
import { changeMigration, type LedgerPair, readPairs } from '../ledger.ts';
import { limit, underLock } from '../lock-budget.ts';
import { toNamedError } from '../postgres-errors.ts';
import { installGuard, wantsGuard } from '../row-movement-guard.ts';
import { run, runOne } from '../sql.ts';
import { quickChecks } from '../verification.ts';
import { enterWithinWindow, type StepContext } from './context.ts';

const STEP = 'DropParentForeignKey';

/**
 * @throws LockTimeout when any partition was in use, or all of it did not fit into the lock budget: nothing has changed
 * @throws GateFailed when the gate is not open any more: nothing has changed
 * @throws VerificationFailed when what stands after the drop is not right: rolled back, nothing has changed
 */
export async function dropParentForeignKey(context: StepContext, event: MigrationEvent): Promise<DropResult> {
  const { client } = context;
  const { migration, foreignKey, lockBudgetMs } = await enterWithinWindow(context, event);
  const constraint = migration.constraint_name;
  if (migration.constraint_oid === null) return { status: 'SKIPPED', constraint, lockedMs: 0 };

  const planned = await readPairs(client, migration.id);
  const { sql: lockSql } = await runOne<{ sql: string }>(client, 'statements/lock-tables', { ...foreignKey });
  const { sql } = await runOne<{ sql: string }>(client, 'statements/drop-parent-foreign-key', { ...foreignKey });
  const relations = [
    foreignKey.referencing_oid,
    foreignKey.referenced_oid,
    ...planned.flatMap((pair) => [pair.referencing_oid, pair.referenced_oid]),
  ];
  const work = {
    migrationId: migration.id,
    execution: event.execution,
    direction: 'forward',
    step: STEP,
    pair: null,
    budgetMs: lockBudgetMs,
    lock: { sql: lockSql, mode: 'ACCESS EXCLUSIVE', relations },
  } as const;
  const { heldMs } = await underLock(context, work, () =>
    dropAndVerify(client, foreignKey, planned, {
      sql,
      budgetMs: lockBudgetMs,
      id: migration.id,
      guard: wantsGuard(foreignKey, migration.options),
    }),
  );
  const lockedMs = Math.round(heldMs);
  await changeMigration(client, migration.id, { locked_ms: heldMs });
  context.logger.info('parent foreign key dropped', { constraint, lockedMs });
  return { status: 'DROPPED', constraint, lockedMs };
}

/** All under ACCESS EXCLUSIVE: every statement gets what is left of the budget, and so does every pause of ours. */
async function dropAndVerify(
  client: Client,
  foreignKey: ForeignKey,
  planned: readonly LedgerPair[],
  drop: { sql: string; budgetMs: number; id: string; guard: boolean },
): Promise<void> {
  const until = performance.now() + drop.budgetMs;
  const left = () => Math.max(1, until - performance.now());
  // Should this process freeze now, the server ends the session and with it the locks.
  await client.query("SELECT set_config('idle_in_transaction_session_timeout', $1, true)", [
    String(Math.ceil(drop.budgetMs)),
  ]);
  try {
    await limit(client, left());
    const { pairing, problems } = await readGate(client, foreignKey, planned);
    if (problems.length > 0) throw new GateFailed(`the gate is not open any more: ${problems.join('; ')}`);

    await limit(client, left());
    await execute(client, drop.sql);
    if (drop.guard) await installGuard(client, foreignKey, drop.id);

    await limit(client, left());
    const failed = (await quickChecks(client, { ...foreignKey, constraint_oid: null }, pairing)).filter(
      (check) => !check.passed,
    );
    if (failed.length > 0)
      throw new VerificationFailed(
        `after the drop, still in its transaction: ${failed.map((check) => check.detail).join('; ')}`,
      );

    await limit(client, left());
    const probe = await probeDelete(client, pairing.pairs, left());
    if (!probe.passed) throw new VerificationFailed(`the DELETE probe was too slow: ${probe.detail}`);

    await limit(client, left());
    await run(client, 'ledger/forget-counts', { migration_id: drop.id });
    await changeMigration(client, drop.id, { dropped_at: new Date().toISOString() });
    await client.query('SELECT p2pfk.record($1, $2, $3, $4)', [drop.id, null, STEP, drop.sql]);
  } catch (error) {
    // Cut by our own budget: the application has waited long enough. It is tried again, as a lock that was not free.
    const named = toNamedError(error);
    if (named instanceof StatementCanceled && left() <= drop.budgetMs * 0.1) {
      throw new LockTimeout(
        `the verified drop did not fit into the lock budget of ${drop.budgetMs} ms; it was rolled back`,
        named.context,
        { cause: named },
      );
    }
    throw named;
  }
}
