/**
 * One change to a migrated table, made by a person's command and not by an execution: everything in one transaction whose
 * lock waits are bounded in all, tried again with jitter, noted in the ledger where there is one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { execute, executeDdl } from './connection.ts';
import { DeadlockDetected, LockTimeout, MigrationInProgress, StatementCanceled } from './errors.ts';
import { describeHolders, isCut, type LockMode, limit, lockHolders, markLocked, record } from './lock-budget.ts';
import { toNamedError } from './postgres-errors.ts';
import { run } from './sql.ts';

/** A LOCK TABLE statement, and the relations on which holders are looked for when it is not granted. */
export interface WantedLock {
  readonly sql: string;
  readonly mode: LockMode;
  readonly relations: readonly number[];
}

export interface OnlineChange {
  /** Name of the step in the ledger and in messages. */
  readonly step: string;
  readonly migrationId: string | null;
  /** Milliseconds that all locks together are waited for, and again that they are held at most. */
  readonly budgetMs: number;
  /** In the order in which they are taken, weakest first. */
  readonly locks: readonly WantedLock[];
  /** Ends in ROLLBACK: proves that the change will work, and changes nothing. */
  readonly rehearsal?: boolean;
}

/** What the work under the locks is given. */
export interface Budget {
  /** Runs one statement with what is left of the time. */
  run(sql: string): Promise<void>;
  /** Takes one more lock, which nobody could know of before; from then on there is `budgetMs` of time at most. */
  lock(lock: WantedLock): Promise<void>;
}

/** What the work under the locks tells of itself; the ledger notes the statements. */
export interface Done {
  readonly statements: readonly { readonly sql: string }[];
}

export interface Changed<Result> {
  readonly result: Result;
  readonly lockWaitMs: number;
  /** Milliseconds from the last lock's grant to COMMIT. */
  readonly heldMs: number;
}

/** What the work under the locks did did not fit into the budget: it would be the same the next time. */
export class BudgetExceeded extends StatementCanceled {}

/** Lost races for a lock are tried again so often, with pauses that double up to two seconds, in full jitter. */
const TRIES = 6;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

/** SHARE UPDATE EXCLUSIVE stops no reader and no writer: under it alone there is time, under others only the budget. */
const UNHURRIED_MS = 30_000;

/**
 * @throws LockTimeout with the holders, when the locks were not granted in any of the tries
 * @throws BudgetExceeded when the work under the locks did not fit into the budget
 * @throws MigrationInProgress when the ledger says that the migration is not at rest
 */
export async function changeOnline<Result extends Done>(
  client: Client,
  change: OnlineChange,
  work: (budget: Budget) => Promise<Result>,
): Promise<Changed<Result>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await changeOnce(client, change, work);
    } catch (error) {
      const lost = error instanceof LockTimeout || error instanceof DeadlockDetected;
      if (!lost || attempt === TRIES) throw error;
      await delay(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt));
    }
  }
}

async function changeOnce<Result extends Done>(
  client: Client,
  change: OnlineChange,
  work: (budget: Budget) => Promise<Result>,
): Promise<Changed<Result>> {
  const { budgetMs, migrationId, step } = change;
  const beganAt = performance.now();
  let grantedAt = 0;
  await client.query('BEGIN');
  try {
    if (migrationId !== null) await holdMigration(client, migrationId, budgetMs);
    await client.query("SELECT set_config('p2pfk.began_at', clock_timestamp()::text, true)");
    for (const lock of change.locks) await take(client, lock, { step, budgetMs, until: beganAt + budgetMs });
    grantedAt = performance.now();
    await markLocked(client);
    const gentle = change.locks.every(({ mode }) => mode === 'SHARE UPDATE EXCLUSIVE');
    let until = grantedAt + (gentle ? UNHURRIED_MS : budgetMs);
    // Should this process freeze now, the server ends the session and with it the locks.
    await client.query("SELECT set_config('idle_in_transaction_session_timeout', $1, true)", [
      String(Math.ceil(budgetMs) + 1_000),
    ]);
    const result = await work({
      run: async (sql) => {
        await limit(client, until - performance.now());
        await client.query("SELECT set_config('lock_timeout', $1, true)", [String(Math.ceil(budgetMs))]);
        await executeDdl(client, sql);
      },
      lock: async (lock) => {
        await take(client, lock, { step, budgetMs, until: performance.now() + budgetMs });
        until = Math.min(until, performance.now() + budgetMs);
      },
    });
    if (migrationId !== null)
      await record(client, migrationId, null, step, result.statements.map(({ sql }) => sql).join(';\n'));
    await client.query(change.rehearsal ? 'ROLLBACK' : 'COMMIT');
    return { result, lockWaitMs: grantedAt - beganAt, heldMs: performance.now() - grantedAt };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    const named = toNamedError(error);
    if (grantedAt === 0 && isCut(named, performance.now() - beganAt, budgetMs) && !(named instanceof LockTimeout))
      throw new LockTimeout(`no lock within ${budgetMs} ms for ${step}, nothing was changed`, named.context, {
        cause: named,
      });
    if (grantedAt === 0 || !(named instanceof StatementCanceled)) throw named;
    throw new BudgetExceeded(
      `${step} did not fit into the lock budget of ${budgetMs} ms; it was rolled back, nothing was changed`,
      named.context,
      { cause: named },
    );
  }
}

/** Only a migration at rest is changed by hand; until our transaction ends, nobody takes it up again. */
async function holdMigration(client: Client, id: string, budgetMs: number): Promise<void> {
  await limit(client, budgetMs);
  const [migration] = await run<{ state: string; execution: string }>(client, 'provision/hold-migration', {
    migration_id: id,
  });
  if (migration?.state === 'migrated') return;
  throw new MigrationInProgress(
    `refused, nothing was changed: migration ${id} is ${migration?.state ?? 'gone'}${migration ? `, last by ${migration.execution}` : ''}; finish it with p2pfk migrate or p2pfk rollback first`,
  );
}

async function take(
  client: Client,
  lock: WantedLock,
  { step, budgetMs, until }: { step: string; budgetMs: number; until: number },
): Promise<void> {
  try {
    await limit(client, until - performance.now());
    await execute(client, lock.sql);
  } catch (error) {
    const named = toNamedError(error, lock.sql);
    // 57014 when the budget is used up is our own statement_timeout; before, somebody cancelled us.
    const refused =
      named instanceof LockTimeout || (named instanceof StatementCanceled && performance.now() >= until - 1);
    if (!refused) throw named;
    await client.query('ROLLBACK').catch(() => undefined);
    const holders = await lockHolders(client, lock.relations, lock.mode);
    throw new LockTimeout(
      `no lock within ${budgetMs} ms for ${step}, nothing was changed: ${describeHolders(holders)}`,
      { ...named.context, holders },
      { cause: named },
    );
  }
}
