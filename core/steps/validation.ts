/** VALIDATE CONSTRAINT as one message that needs no client until its COMMIT; used by the forward path and the rollback. */

import { maintenanceMemory, PAGE_COST_OF_TODAY } from '../catalog/server-facts.ts';
import { mayHaveNewCode, type TablesRead, untrustedCodeGuard } from '../catalog/untrusted-code.ts';
import { OrphanedRows } from '../contracts/errors.ts';
import { lockedTablesGuard } from '../postgres/locks/locked-tables.ts';
import { CALLER_SEARCH_PATH, useCallerSearchPath } from '../postgres/session/caller-search-path.ts';
import { run } from '../postgres/sql.ts';
import type { EnteredMigration, StepContext } from './context.ts';
import { type DetachedOutcome, runDetached } from './detached.ts';

/**
 * Milliseconds. A request for SHARE UPDATE EXCLUSIVE that waits blocks no reader and no writer, so it may wait longer than
 * deadlock_timeout (1 s), after which PostgreSQL cancels an ordinary autovacuum that blocks it. The lock budget is for other
 * locks.
 */
const LOCK_WAIT_MS = 10_000;

/**
 * Setting of the session that holds a long statement. In the message itself the statement would hide the VALIDATE in
 * pg_stat_activity, which shows 1 kB.
 */
const GUARD = 'p2pfk.validation_guard';

/** What to validate, and on whose behalf. */
export interface Validation {
  readonly step: string;
  readonly direction: 'forward' | 'rollback';
  readonly execution: string;
  readonly pair: number;
  readonly constraintOid: number;
  /** SQL that takes the lock of VALIDATE before it, so that its wait is measured apart and what is checked behind it stays true. */
  readonly lockSql: string;
  /** Oids of the tables that it names. */
  readonly lockOids: readonly number[];
  readonly sql: string;
  /** The tables that it reads, and for which PostgreSQL makes a query plan. */
  readonly reads: TablesRead;
}

/**
 * Starts the validation, or finds it running, and waits for its end as long as the handler's time allows.
 *
 * @throws UntrustedCode where code of an untrusted role would run
 */
export async function validate(
  context: StepContext,
  { migration }: EnteredMigration,
  validation: Validation,
): Promise<DetachedOutcome> {
  const memory = await maintenanceMemory(context.client, migration.options);
  return runDetached(context, {
    migrationId: migration.id,
    execution: validation.execution,
    step: validation.step,
    pair: validation.pair,
    noted: { step: validation.step, sql: validation.sql },
    lockOid: validation.constraintOid,
    terminateIdleAfterSeconds: migration.options.terminateIdleBlockersAfterSeconds,
    script: async (session) => {
      // Checked while holding the right to run it: a duplicate invocation may have done this already.
      const [constraint] = await run(session, 'catalog/is-validated', {
        constraint_oid: validation.constraintOid,
      });
      if (constraint?.validated) return undefined;
      await useCallerSearchPath(session, migration.options.searchPath);
      const guard = [
        lockedTablesGuard(validation.lockOids),
        // Before the scan: a trigger that is changed during it is another one afterwards. None where another session has validated it in the
        // meantime: then VALIDATE reads nothing.
        `SELECT set_config('p2pfk.triggers', coalesce((SELECT p2pfk.triggers_of(k.oid) FROM pg_constraint k WHERE k.oid = ${validation.constraintOid} AND NOT k.convalidated), ''), true)`,
      ];
      if (await mayHaveNewCode(session, validation.reads)) guard.push(untrustedCodeGuard(validation.reads));
      await session.query('SELECT set_config($1, $2, false)', [GUARD, guard.join(';\n')]);
      const literal = (text: string) => session.escapeLiteral(text);
      const id = Number(migration.id);
      const statements = [validation.lockSql, validation.sql].map((sql) => ({ sql }));
      return [
        'BEGIN',
        PAGE_COST_OF_TODAY,
        `SELECT p2pfk.enter${validation.direction === 'rollback' ? '_rollback' : ''}(${id}, ${literal(validation.execution)})`,
        `SELECT set_config('lock_timeout', '${LOCK_WAIT_MS}', true), set_config('maintenance_work_mem', '${memory}MB', true), set_config('p2pfk.began_at', clock_timestamp()::text, true)`,
        validation.lockSql,
        // Behind that lock no index and no CHECK can be added to the referencing partition any more, and it cannot be renamed.
        `DO $$ BEGIN EXECUTE current_setting('${GUARD}'); END $$`,
        "SELECT set_config('p2pfk.locked_at', clock_timestamp()::text, true)",
        CALLER_SEARCH_PATH.before,
        validation.sql,
        CALLER_SEARCH_PATH.after,
        `SELECT p2pfk.record_transaction(${id}, ${literal(validation.execution)}, ${validation.pair === 0 ? 'NULL' : validation.pair}, ${literal(validation.step)}, ${literal(JSON.stringify(statements))}, NULL)`,
        ...(validation.direction === 'forward' ? [`SELECT p2pfk.note_validation(${id}, ${validation.pair})`] : []),
        'COMMIT',
      ].join(';\n');
    },
  });
}

/** Whether a validation failed because of rows without a referenced row. */
export function foundOrphans(error: unknown): error is OrphanedRows {
  return error instanceof OrphanedRows;
}
