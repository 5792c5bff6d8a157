/**
 * Hand-over of a migration that has to be rolled back, to an execution of its own state machine, which reconciliation starts with
 * `operation: rollback`. So only the state machine defines the rollback.
 *
 * The execution's name shows its origin: `reconcile-<migration>-<dead execution>-<n>-<random>`, where the dead execution is a
 * hash of the first one that died. The ledger stores the name, so that two calls after one death return one name, and Step
 * Functions starts one execution. When that execution dies itself, n is incremented; after {@link MOST_ROLLBACKS} reconciliation
 * gives up. A name counts only if the ledger has it, and it cannot be guessed: callers who may start executions choose their
 * names, and could otherwise use this one first.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ExecutionInput } from '../../contracts/execution-input.ts';
import { shellWord } from '../../contracts/safe-text.ts';
import type { ReconcileResult, RollbackToStart } from '../../contracts/steps/results.ts';
import { type Migration, readMigration } from '../../ledger/migrations.ts';
import { run } from '../../postgres/sql.ts';
import type { StepContext } from '../context.ts';

/**
 * Executions that are started one after the other for one dead execution. Each of them waits up to a day for temporary errors to
 * end.
 */
export const MOST_ROLLBACKS = 3;

const STARTED_HERE = /^reconcile-([1-9]\d{0,17})-([0-9a-f]{12})-([1-9]\d{0,3})-[0-9a-f]{16}$/;

/** Prefix of the owner while the migration is reconciled; the ARN of the dead execution follows. */
const OWNER_PREFIX = 'reconcile:';

/**
 * The owner's name while a migration is reconciled. It is never mistaken for a local execution: a reconciliation also counts as alive
 * while its session or its lease lasts.
 *
 * @example
 * reconciliationOf('arn:...:migrate-path') === 'reconcile:arn:...:migrate-path'
 */
export function reconciliationOf(execution: string): string {
  return `${OWNER_PREFIX}${execution}`;
}

/**
 * The hand-over that a dead execution was started for. A rollback that reconciliation started may end before it has taken the
 * migration over, for example because its plan was refused. Then the ledger's owner is still the reconciliation that started it.
 *
 * @returns that owner, and the migration; undefined where `execution` is no such rollback, or its migration was taken over
 */
export async function waitingFor(
  { client }: StepContext,
  execution: string,
): Promise<{ readonly id: string; readonly execution: string } | undefined> {
  const [, migrationId] = STARTED_HERE.exec(nameOf(execution)) ?? [];
  if (migrationId === undefined) return undefined;
  const [waiting] = await run(client, 'ledger/handed-over', { migration_id: migrationId });
  if (!waiting) return undefined;
  const dead = waiting.execution.slice(OWNER_PREFIX.length);
  const { stem } = nextAfter(dead, waiting.id, waiting.names);
  const name = waiting.names.find((one) => one.startsWith(stem));
  return name !== undefined && siblingOf(dead, name) === execution ? waiting : undefined;
}

/** What to hand over. */
interface HandOver {
  readonly id: string;
  /** The reconciliation that owns the migration, in state `rolling-back`. */
  readonly owner: string;
  /** The execution that died. */
  readonly dead: string;
  /** A name that Step Functions has refused: another one is chosen. */
  readonly refused?: string | undefined;
}

/** @returns the rollback to start. From then on it, or any other execution, may take the migration over. */
export async function handOver(
  { client, logger }: StepContext,
  { id, owner, dead, refused }: HandOver,
): Promise<ReconcileResult> {
  const migration = await readMigration(client, id);
  const { n, stem } = nextAfter(dead, id, migration.options.rollbackNames ?? []);
  const input = await inputFor({ client }, migration, dead);
  // The execution that is started may read the ledger before this session ends; the session must not count as one that works for
  // the migration.
  await client.query("SELECT set_config('application_name', 'p2pfk/-/reconcile', false)");
  const [given] = await run(client, 'ledger/hand-over', {
    migration_id: id,
    execution: owner,
    stem,
    name: `${stem}${randomBytes(8).toString('hex')}`,
    refused: refused ?? '',
  });
  if (!given) return { status: 'RUNNING', migrationId: id, waitSeconds: 10 };
  const result = { migrationId: id, waitSeconds: 0 } as const;
  if (n > MOST_ROLLBACKS) {
    const reason = `the rollback of migration ${id} of ${input.table} was started ${MOST_ROLLBACKS} times after an execution died, and each time its execution ended before the rollback did, ${dead} last; every row is guarded by pair or parent foreign keys; see why it ended, then run p2pfk rollback --table ${shellWord(input.table)}`;
    logger.warn('gave up', { migrationId: id, reason });
    return { ...result, status: 'GIVEN_UP', reason };
  }
  const { name } = given;
  const execution = siblingOf(dead, name);
  logger.warn('to be rolled back', { migrationId: id, by: execution, refused });
  return { ...result, status: 'ROLL_BACK', rollback: { name, execution, input } };
}

/** @param names names in the ledger: the dead execution is a rollback of ours only if its name is one of them */
function nextAfter(dead: string, migrationId: string, names: readonly string[]) {
  const name = nameOf(dead);
  const [, id, first, last] = (names.includes(name) ? STARTED_HERE.exec(name) : null) ?? [];
  const isOurs = id === migrationId;
  const hash = isOurs ? first : createHash('sha256').update(dead).digest('hex').slice(0, 12);
  const n = isOurs ? Number(last) + 1 : 1;
  return { n, stem: `reconcile-${migrationId}-${hash}-${n}-` };
}

function nameOf(execution: string): string {
  return execution.slice(execution.lastIndexOf(':') + 1);
}

/** ARN of the execution with another name in the same state machine. */
function siblingOf(execution: string, name: string): string {
  return `${execution.slice(0, execution.lastIndexOf(':') + 1)}${name}`;
}

/**
 * Input of the rollback, from the options of the dead execution. It depends only on the ledger, because a second start of the
 * same execution has to have the same input.
 */
async function inputFor(
  { client }: Pick<StepContext, 'client'>,
  { id, table_oid, table_name, constraint_name, options }: Migration,
  dead: string,
): Promise<RollbackToStart['input']> {
  // A table that was renamed since cannot be found by the name in the ledger.
  const [now] = await run(client, 'catalog/current-names', {
    table_oid,
    constraint_name,
  });
  return {
    table: now?.table ?? table_name,
    constraint: now?.constraint ?? constraint_name,
    operation: 'rollback',
    migrationId: id,
    by: 'p2pfk reconciliation',
    reason: died(nameOf(dead)),
    ...keptOf(options),
  };
}

/** Reason of the rollback. The name of an execution may contain characters that are not allowed in a reason. */
function died(name: string): string {
  return /^[!-~]{1,80}$/.test(name) ? `execution ${name} died` : 'an execution died';
}

/**
 * Options that the rollback keeps: all except those of the forward path only (window, approval, accepted findings, plan,
 * throttling).
 */
const KEPT = [
  'searchPath',
  'ledgerOwner',
  'maxConcurrency',
  'lockTimeoutMs',
  'terminateIdleBlockersAfterSeconds',
  'maintenanceWorkMemMb',
  'rowMovementGuard',
  'noIndexes',
  'keepIndexes',
  'allowBlockingRollback',
  // So that a schedule that is delivered twice is still recognized.
  'opensAt',
  'windowMinutes',
] as const satisfies readonly (keyof ExecutionInput & keyof Migration['options'])[];

function keptOf(options: Migration['options']): Partial<ExecutionInput> {
  return Object.fromEntries(KEPT.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));
}
