/** VALIDATE CONSTRAINT as one message that needs no client until its COMMIT; used by the forward path and the rollback. */

import type { Client } from 'pg';
import { maintenanceMemory, PAGE_COST_OF_TODAY } from '../catalog/server-facts.ts';
import { newCode, type TablesRead, untrustedCodeGuard } from '../catalog/untrusted-code.ts';
import type { PairOfPartitions } from '../contracts/column-types.ts';
import { OrphanedRows, PartitionSetChanged } from '../contracts/errors.ts';
import { lockedTablesGuard } from '../postgres/locks/locked-tables.ts';
import { constraintsGuard } from '../postgres/locks/named-constraints.ts';
import { CALLER_SEARCH_PATH, useCallerSearchPath } from '../postgres/session/caller-search-path.ts';
import { type Row, run } from '../postgres/sql.ts';
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
  /** The name by which `sql` means that constraint. */
  readonly constraintName: string;
  /** Takes the lock of VALIDATE before it, so that its wait is measured apart and what is checked behind it stays true. */
  readonly lock: Pick<Row<'statements/lock-validation'>, 'sql' | 'both_sql'>;
  readonly sql: string;
  /** The table of the constraint and the one that it references: VALIDATE reads both, and PostgreSQL makes a query plan for them. */
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
    direction: validation.direction,
    noted: { step: validation.step, sql: validation.sql },
    lockOid: validation.constraintOid,
    reads: [validation.reads.referencing_oid, validation.reads.referenced_oid],
    terminateIdleAfterSeconds: migration.options.terminateIdleBlockersAfterSeconds,
    script: async (session) => {
      // Checked while holding the right to run it: a duplicate invocation may have done this already.
      const [constraint] = await run(session, 'catalog/is-validated', {
        constraint_oid: validation.constraintOid,
      });
      if (constraint?.validated) return undefined;
      await useCallerSearchPath(session, migration.options.searchPath);
      const { constraintOid: oid, constraintName: name, lock, reads } = validation;
      const { referencing_oid, referenced_oid } = reads;
      const code = await newCode(session, reads);
      const lockSql = code.by_owner ? lock.both_sql : lock.sql;
      const guard = [
        lockedTablesGuard(code.by_owner ? [referencing_oid, referenced_oid] : [referencing_oid]),
        constraintsGuard([{ oid, name, relation_oid: referencing_oid, referenced_oid }]),
        // Before the scan: a trigger that is changed during it is another one afterwards. None where another session has validated it in the
        // meantime: then VALIDATE reads nothing.
        `SELECT set_config('p2pfk.triggers', coalesce((SELECT p2pfk.triggers_of(k.oid) FROM pg_constraint k WHERE k.oid = ${validation.constraintOid} AND NOT k.convalidated), ''), true)`,
      ];
      if (code.may) guard.push(untrustedCodeGuard(reads));
      await session.query('SELECT set_config($1, $2, false)', [GUARD, guard.join(';\n')]);
      const literal = (text: string) => session.escapeLiteral(text);
      const id = Number(migration.id);
      const statements = [lockSql, validation.sql].map((sql) => ({ sql }));
      return [
        'BEGIN',
        PAGE_COST_OF_TODAY,
        `SELECT p2pfk.enter${validation.direction === 'rollback' ? '_rollback' : ''}(${id}, ${literal(validation.execution)})`,
        `SELECT set_config('lock_timeout', '${LOCK_WAIT_MS}', true), set_config('maintenance_work_mem', '${memory}MB', true), set_config('p2pfk.began_at', clock_timestamp()::text, true)`,
        lockSql,
        // Behind that lock the constraint stays what it is. Where it is the owner's code that is asked for, no index, CHECK or statistics can be added any more.
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

/**
 * The statements that lock the two tables of a validation.
 *
 * @throws PartitionSetChanged when there is none: one of the tables was dropped
 */
export async function lockForValidation(
  client: Client,
  tables: Pick<PairOfPartitions, 'referencing' | 'referenced' | 'referencing_oid' | 'referenced_oid'>,
): Promise<Validation['lock']> {
  const [lock] = await run(client, 'statements/lock-validation', { pairs: [{ ...tables, pair: 1 }] });
  if (lock) return lock;
  throw new PartitionSetChanged(`${tables.referencing} or ${tables.referenced} is no more: nothing can be validated`);
}

/** Whether a validation failed because of rows without a referenced row. */
export function foundOrphans(error: unknown): error is OrphanedRows {
  return error instanceof OrphanedRows;
}
