/**
 * Every failure this product can name. The class name IS the error name that a state machine's Retry and Catch match
 * on, so each class sets its own `name`: Lambda reports it as `errorType`, the local engine compares `error.name`.
 */
import { redact } from './redact.ts';

/** A session that stands in our way, as `pg_stat_activity` and `pg_locks` show it. */
export interface LockHolder {
  /** Process id of its session; 0: a prepared transaction, which has none. */
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  /** ISO 8601; start of the holder's transaction. */
  readonly since: string | null;
  /** Lock mode held, such as `RowExclusiveLock`. */
  readonly mode: string;
  /** Relation on which it is held, schema-qualified. */
  readonly relation: string;
  /** Its current or last statement, cut to 200 characters, literals left out; null unless the operator wants it told. */
  readonly query: string | null;
  /** An autovacuum: `ordinary` yields to a lock request that waits for longer than deadlock_timeout, `wraparound` never. */
  readonly autovacuum: 'ordinary' | 'wraparound' | null;
  /** `host:port` of the standby whose session it is; absent where it is one of the primary. */
  readonly reader?: string;
}

/** What a PostgreSQL error carries for the reader. */
export interface PostgresErrorContext {
  /** Five-character SQLSTATE, such as `55P03`. */
  readonly sqlState?: string;
  /** The statement of ours that failed; never contains a parameter value. */
  readonly statement?: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Where in the application's code it was raised: the first line of PostgreSQL's CONTEXT, such as a function and its line. */
  readonly where?: string;
  readonly holders?: readonly LockHolder[];
  /** Referencing rows without a referenced row, where they were counted. */
  readonly orphans?: number;
}

/** An error whose message is ours: what it quotes of others was {@link redact}ed where it came in, and nothing changes it any more. */
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

/** What was asked for cannot be understood or found: no plan can be made. */
export class InvalidInput extends P2pfkError {
  override readonly name = 'InvalidInput';
}

/** The server refused us: wrong password, no such database, no such role. Trying again does not help. */
export class ConnectionRefused extends P2pfkError {
  override readonly name = 'ConnectionRefused';
}

/** No connection, or it was lost on the way (restart, failover, network), or the server takes no writes any more. Retriable. */
export class ConnectionLost extends P2pfkError {
  override readonly name = 'ConnectionLost';
}

/** The plan has findings of severity `error`; nothing was changed. */
export class PreflightFailed extends P2pfkError {
  override readonly name = 'PreflightFailed';
}

/** Another execution works on this foreign key right now. */
export class MigrationInProgress extends P2pfkError {
  override readonly name = 'MigrationInProgress';
}

/** There is nothing to look at: the table, or every table of the database, has its parent foreign keys as ever. */
export class NotMigrated extends P2pfkError {
  override readonly name = 'NotMigrated';
}

/** SQLSTATE 42501: the role lacks a privilege. */
export class PrivilegeMissing extends P2pfkError {
  override readonly name = 'PrivilegeMissing';
}

/** The ledger, schema `p2pfk`, or a part of it belongs to a role that is not trusted, or such a role may change it. Undoes nothing. */
export class LedgerNotTrusted extends P2pfkError {
  override readonly name = 'LedgerNotTrusted';
}

/** The ledger is newer than this p2pfk, of no known version, or not as its version has it. Undoes nothing. */
export class LedgerVersionRefused extends P2pfkError {
  override readonly name = 'LedgerVersionRefused';
}

/** The ledger belongs to another database than this one, or it cannot be told: a restored dump, a copy, a wrong URL. Undoes nothing. */
export class LedgerElsewhere extends P2pfkError {
  override readonly name = 'LedgerElsewhere';
}

/** Pair foreign keys exist that the ledger does not know: it is lost, or older than the database. Nothing was changed. */
export class LedgerMissing extends P2pfkError {
  override readonly name = 'LedgerMissing';
}

/** A database or a role sets what our queries rely on, and this role may not change it. */
export class SettingRefused extends P2pfkError {
  override readonly name = 'SettingRefused';
}

/**
 * Reading the tables and comparing their keys would run code with the rights of this session that its owner has not got. Nothing of it was run.
 * See `sql/catalog/untrusted-code.sql`.
 */
export class UntrustedCode extends P2pfkError {
  override readonly name = 'UntrustedCode';
}

/**
 * SQLSTATE 42501 from `row_security = off`: a policy would hide rows from this role. No privilege is missing; with fewer
 * rows than there are, neither a count nor a validation would be true.
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

/** SQLSTATE 57014 that is not our lock budget: somebody cancelled the statement. */
export class StatementCanceled extends P2pfkError {
  override readonly name = 'StatementCanceled';
}

/**
 * The server is in trouble, not the data: a full disk, no memory, an I/O error, damage, an operator (SQLSTATE 53, 57, 58, XX). Undoes
 * nothing. Retriable.
 */
export class ServerTrouble extends P2pfkError {
  override readonly name = 'ServerTrouble';
}

/** A fault of p2pfk itself: what failed was no statement. Undoes nothing. */
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
 * Partitions were attached, detached, created or dropped since the plan, or something came up that needs acceptance: the next
 * execution plans anew and goes on.
 */
export class PartitionSetChanged extends P2pfkError {
  override readonly name = 'PartitionSetChanged';
}

/** Another role has taken the name of a row-movement guard, or each one that is chosen for an index or a foreign key. Undoes nothing. */
export class NameTaken extends P2pfkError {
  override readonly name = 'NameTaken';
}

/** The drop is not approved, or the approval was withdrawn before it began. Undoes nothing. */
export class ApprovalNeeded extends P2pfkError {
  override readonly name = 'ApprovalNeeded';
}

/** An approval, or its withdrawal, that is not for this person or this role to give. Nothing was changed. */
export class ApprovalRefused extends P2pfkError {
  override readonly name = 'ApprovalRefused';
}

/** The ledger says that no forward DDL may run any more, or that another execution has taken over. */
export class MigrationFenced extends P2pfkError {
  override readonly name = 'MigrationFenced';
}

/** The ledger did not take a note on what is done and verified: the work stays, the next execution notes it. */
export class LedgerNotWritten extends P2pfkError {
  override readonly name = 'LedgerNotWritten';
}

/** The maintenance window ended: what is left is done by the next execution. */
export class WindowClosed extends P2pfkError {
  override readonly name = 'WindowClosed';
}

/** The rollback branch could not put the parent foreign key back. */
export class RollbackFailed extends P2pfkError {
  override readonly name = 'RollbackFailed';
}

/** Any other error of PostgreSQL, with its SQLSTATE and the statement: of the data, the schema or the code of the application. */
export class StatementFailed extends P2pfkError {
  override readonly name = 'StatementFailed';
}

/** The message with all that PostgreSQL told: SQLSTATE, detail, hint, context, statement. One line. */
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
 * What any error says: one of ours as it is; one of the driver, Node.js or an SDK without what looks like a secret, because it may quote
 * what it was given. An AggregateError (Node tries IPv6 and IPv4) has an empty message of its own.
 */
export function messageOf(error: unknown): string {
  if (error instanceof OwnError) return error.message;
  if (error instanceof AggregateError && !error.message) {
    return [...new Set(error.errors.map((inner) => messageOf(inner)))].join('; ');
  }
  return redact(error instanceof Error ? error.message || error.name : String(error));
}
