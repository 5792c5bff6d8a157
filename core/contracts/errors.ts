/**
 * All failures that this product can name. The class name IS the error name that Retry and Catch of a state machine match, so
 * each class sets its own `name`: Lambda reports it as `errorType`, the local engine compares `error.name`.
 */
import { redact } from './redact.ts';

/** A session that blocks one of ours, from `pg_stat_activity` and `pg_locks`. */
export interface LockHolder {
  /** Process id of its session; 0: a prepared transaction, which has none. */
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  /** ISO 8601; start of the holder's transaction. */
  readonly since: string | null;
  /** Mode of the lock that it holds, for example `RowExclusiveLock`. */
  readonly mode: string;
  /** Relation on which it is held, schema-qualified. */
  readonly relation: string;
  /** Its current or last statement, cut to 200 characters, without literals; null unless the operator allows that it is shown. */
  readonly query: string | null;
  /** An autovacuum: `ordinary` yields to a lock request that waits for longer than deadlock_timeout, `wraparound` never does. */
  readonly autovacuum: 'ordinary' | 'wraparound' | null;
  /** `host:port` of the standby that the session belongs to; absent for a session of the primary. */
  readonly reader?: string;
}

/** What is known about an error of PostgreSQL. */
export interface PostgresErrorContext {
  /** Five-character SQLSTATE, for example `55P03`. */
  readonly sqlState?: string;
  /** Our statement that failed; never contains the value of a parameter. */
  readonly statement?: string;
  readonly detail?: string;
  readonly hint?: string;
  /**
   * Where in the application's code it was raised: the first line of PostgreSQL's CONTEXT, for example a function and its line.
   */
  readonly where?: string;
  readonly holders?: readonly LockHolder[];
  /** Referencing rows without a referenced row, where they were counted. */
  readonly orphans?: number;
}

/**
 * An error whose message is ours. What it quotes was {@link redact}ed when it was received, and the message is not changed
 * afterwards.
 */
export abstract class OwnError extends Error {}

/**
 * Base of all named errors.
 *
 * @example
 * throw new OrphanedRows('37 rows of public.path_p_1 have no row in public.inode_p_1', { sqlState: '23503' });
 */
export abstract class P2pfkError extends OwnError {
  readonly context: PostgresErrorContext;

  constructor(message: string, context: PostgresErrorContext = {}, options?: ErrorOptions) {
    super(message, options);
    this.context = context;
  }
}

/** A table, and where it has several foreign keys one of them, that can be named instead of what was named. */
export interface TableChoice {
  /** As SQL writes it, quoted by PostgreSQL. */
  readonly table: string;
  /** As stored in pg_constraint. */
  readonly constraint?: string;
}

/** The request cannot be understood, or names nothing that exists: no plan can be made. */
export class InvalidInput extends P2pfkError {
  override readonly name = 'InvalidInput';
  /** What may have been meant. The message names it, too. */
  readonly choices: readonly TableChoice[];

  constructor(
    message: string,
    context: PostgresErrorContext = {},
    { choices = [], ...options }: ErrorOptions & { readonly choices?: readonly TableChoice[] } = {},
  ) {
    super(message, context, options);
    this.choices = choices;
  }
}

/** The server refused the connection: wrong password, no such database, no such role. A retry does not help. */
export class ConnectionRefused extends P2pfkError {
  override readonly name = 'ConnectionRefused';
}

/** No connection, or it was lost (restart, failover, network), or the server no longer accepts writes. Retriable. */
export class ConnectionLost extends P2pfkError {
  override readonly name = 'ConnectionLost';
}

/** The plan has findings of severity `error`; nothing was changed. */
export class PreflightFailed extends P2pfkError {
  override readonly name = 'PreflightFailed';
}

/** Another execution is working on this foreign key. */
export class MigrationInProgress extends P2pfkError {
  override readonly name = 'MigrationInProgress';
}

/** There is nothing to verify or audit: the table, or every table of the database, has its parent foreign keys. */
export class NotMigrated extends P2pfkError {
  override readonly name = 'NotMigrated';
}

/** SQLSTATE 42501: the role lacks a privilege. */
export class PrivilegeMissing extends P2pfkError {
  override readonly name = 'PrivilegeMissing';
}

/**
 * The ledger, schema `p2pfk`, or a part of it belongs to a role that is not trusted, or such a role may change it. Undoes
 * nothing.
 */
export class LedgerNotTrusted extends P2pfkError {
  override readonly name = 'LedgerNotTrusted';
}

/** The ledger is newer than this p2pfk, of an unknown version, or does not have the shape of its version. Undoes nothing. */
export class LedgerVersionRefused extends P2pfkError {
  override readonly name = 'LedgerVersionRefused';
}

/** The ledger belongs to another database, or that cannot be determined: a restored dump, a copy, a wrong URL. Undoes nothing. */
export class LedgerElsewhere extends P2pfkError {
  override readonly name = 'LedgerElsewhere';
}

/** Pair foreign keys exist that the ledger does not have: it is lost, or older than the database. Nothing was changed. */
export class LedgerMissing extends P2pfkError {
  override readonly name = 'LedgerMissing';
}

/** The database or the role has a setting that our queries cannot work with, and this role may not change it. */
export class SettingRefused extends P2pfkError {
  override readonly name = 'SettingRefused';
}

/**
 * Reading the tables and comparing their keys would run code with rights of this session that the code's owner does not have.
 * None of it was run. See `sql/catalog/untrusted-code.sql`.
 */
export class UntrustedCode extends P2pfkError {
  override readonly name = 'UntrustedCode';
}

/**
 * SQLSTATE 42501 from `row_security = off`: a policy would hide rows from this role. No privilege is missing, but without the
 * hidden rows neither a count nor a validation would be correct.
 */
export class RowSecurityApplies extends P2pfkError {
  override readonly name = 'RowSecurityApplies';
}

/** A lock was not granted within the lock budget (SQLSTATE 55P03, or our own statement_timeout around it). Retriable. */
export class LockTimeout extends P2pfkError {
  override readonly name = 'LockTimeout';
}

/** SQLSTATE 40P01. Retriable. */
export class DeadlockDetected extends P2pfkError {
  override readonly name = 'DeadlockDetected';
}

/** SQLSTATE 57014 that is not from our lock budget: a person or another session cancelled the statement. */
export class StatementCanceled extends P2pfkError {
  override readonly name = 'StatementCanceled';
}

/**
 * The server is in trouble, not the data: a full disk, no memory, an I/O error, corruption, an operator (SQLSTATE 53, 57, 58,
 * XX). Undoes nothing. Retriable.
 */
export class ServerTrouble extends P2pfkError {
  override readonly name = 'ServerTrouble';
}

/**
 * A defect of p2pfk itself: something other than a statement failed, or a query of ours found a value in the catalog that it cannot
 * evaluate (SQLSTATE 22). Undoes nothing.
 */
export class InternalFault extends P2pfkError {
  override readonly name = 'InternalFault';
}

/** SQLSTATE 53200: the shared lock table (max_locks_per_transaction) is full. */
export class LockTableFull extends P2pfkError {
  override readonly name = 'LockTableFull';
}

/** SQLSTATE 23503 during validation: referencing rows without a referenced row. */
export class OrphanedRows extends P2pfkError {
  override readonly name = 'OrphanedRows';
}

/** A supporting index could not be built, or stayed INVALID. */
export class IndexBuildFailed extends P2pfkError {
  override readonly name = 'IndexBuildFailed';
}

/** The gate did not pass: the parent foreign key stays. */
export class GateFailed extends P2pfkError {
  override readonly name = 'GateFailed';
}

/** A check after the drop failed. */
export class VerificationFailed extends P2pfkError {
  override readonly name = 'VerificationFailed';
}

/**
 * Partitions were attached, detached, created or dropped since the plan, or a new finding needs acceptance: the next execution
 * plans again and continues.
 */
export class PartitionSetChanged extends P2pfkError {
  override readonly name = 'PartitionSetChanged';
}

/**
 * Another role has taken the name of a row-movement guard, or every name that was chosen for an index or a foreign key. Undoes
 * nothing.
 */
export class NameTaken extends P2pfkError {
  override readonly name = 'NameTaken';
}

/** The drop is not approved, or the approval was withdrawn before the drop began. Undoes nothing. */
export class ApprovalNeeded extends P2pfkError {
  override readonly name = 'ApprovalNeeded';
}

/** A person holds the execution. The drop waits for the end of the hold; one that lasts for a day pauses. Undoes nothing. */
export class Held extends P2pfkError {
  override readonly name = 'Held';
}

/** This person or role may not give, or withdraw, the approval. Nothing was changed. */
export class ApprovalRefused extends P2pfkError {
  override readonly name = 'ApprovalRefused';
}

/** The ledger has the fence set, so no forward DDL may run any more, or another execution has taken over. */
export class MigrationFenced extends P2pfkError {
  override readonly name = 'MigrationFenced';
}

/** The ledger could not be written after the work was done and verified: the work stays, and the next execution notes it. */
export class LedgerNotWritten extends P2pfkError {
  override readonly name = 'LedgerNotWritten';
}

/** The maintenance window ended; the next execution continues. */
export class WindowClosed extends P2pfkError {
  override readonly name = 'WindowClosed';
}

/** The rollback branch could not restore the parent foreign key. */
export class RollbackFailed extends P2pfkError {
  override readonly name = 'RollbackFailed';
}

/**
 * Any other error of PostgreSQL, with its SQLSTATE and the statement: caused by the data, the schema or the code of the
 * application.
 */
export class StatementFailed extends P2pfkError {
  override readonly name = 'StatementFailed';
}

/** The message with everything that PostgreSQL reported: SQLSTATE, detail, hint, context, statement. One line. */
export function describeError(error: P2pfkError): string {
  const { sqlState, statement, detail, hint, where } = error.context;
  const more = [
    ...(sqlState ? [`SQLSTATE ${sqlState}`] : []),
    ...(detail ? [detail] : []),
    ...(hint ? [`hint: ${hint}`] : []),
    ...(where ? [`in: ${where}`] : []),
    ...(statement ? [`statement: ${statement.replaceAll(/\s+/g, ' ').slice(0, 1_000)}`] : []),
  ];
  return more.length > 0 ? `${error.message} [${more.join('; ')}]` : error.message;
}

/**
 * The message of any error. One of ours is returned unchanged; a message of the driver, Node.js or an SDK without anything that
 * looks like a secret, because it may quote its input. An AggregateError (Node tries IPv6 and IPv4) has an empty message of its
 * own.
 */
export function messageOf(error: unknown): string {
  if (error instanceof OwnError) return error.message;
  if (error instanceof AggregateError && !error.message) {
    return [...new Set(error.errors.map((inner) => messageOf(inner)))].join('; ');
  }
  return redact(error instanceof Error ? error.message || error.name : String(error));
}
