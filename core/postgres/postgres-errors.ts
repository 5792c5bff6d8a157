/** Turns what node-postgres throws into the named errors of `errors.ts`, with SQLSTATE and statement. */
import { DatabaseError } from 'pg';
import {
  ConnectionLost,
  ConnectionRefused,
  DeadlockDetected,
  InternalFault,
  LedgerElsewhere,
  LockTableFull,
  LockTimeout,
  MigrationFenced,
  messageOf,
  OrphanedRows,
  P2pfkError,
  PartitionSetChanged,
  type PostgresErrorContext,
  PrivilegeMissing,
  RowSecurityApplies,
  ServerTrouble,
  StatementCanceled,
  StatementFailed,
  UntrustedCode,
} from '../contracts/errors.ts';
import { redact } from '../contracts/redact.ts';

export { messageOf } from '../contracts/errors.ts';

/** Function of PostgreSQL that raises 42501 under row_security = off. The message itself may be in any language. */
const ROW_SECURITY_CHECK = 'check_enable_rls';

/** Characters of PostgreSQL's CONTEXT: it may quote a whole statement of a function. */
const LONGEST_WHERE = 300;

/** SQLSTATE of an exception that the ledger's `p2pfk.enter` raises. */
const FENCED = 'P2F01';

/** SQLSTATE of an exception that sql/ledger/relink.sql raises. */
const NOT_LINKED = 'P2F02';

/** SQLSTATE of an exception that `core/catalog/untrusted-code.ts` raises in the server. */
export const UNTRUSTED_CODE = 'P2F03';

/** SQLSTATE of an exception that `core/postgres/locks/locked-tables.ts` raises in the server. */
export const OTHER_TABLE = 'P2F04';

/** Socket-level failures, as Node names them, and node-postgres' own words for a connection that ended. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
const CONNECTION_ENDED =
  /connection terminated|connection ended|not queryable|client was closed|timeout expired|timeout exceeded when trying to connect/i;

const MESSAGE_OF_STATE: Readonly<
  Record<string, new (message: string, context: PostgresErrorContext, options?: ErrorOptions) => P2pfkError>
> = {
  '55P03': LockTimeout,
  '40P01': DeadlockDetected,
  '57014': StatementCanceled,
  '53200': LockTableFull,
  '23503': OrphanedRows,
  '42501': PrivilegeMissing,
  [FENCED]: MigrationFenced,
  [NOT_LINKED]: LedgerElsewhere,
  [UNTRUSTED_CODE]: UntrustedCode,
  [OTHER_TABLE]: PartitionSetChanged,
};

/** Whether PostgreSQL refuses this client for good: 28 authorization, 3D000 no such database. */
function isRefusal(sqlState: string): boolean {
  return sqlState.startsWith('28') || sqlState === '3D000';
}

/** idle_in_transaction_session_timeout and transaction_timeout (17+). 25P02, an aborted transaction, is no loss. */
const LOST_WHILE_IDLE: ReadonlySet<string> = new Set(['25P03', '25P04']);

/** 08 connection, 57P01-57P05 shutdown, crash, start-up, idle timeout; 53300 too many connections. */
function isLoss(sqlState: string): boolean {
  return (
    sqlState.startsWith('08') || sqlState.startsWith('57P') || LOST_WHILE_IDLE.has(sqlState) || sqlState === '53300'
  );
}

/** A server that takes no writes: after a failover the old writer, or what stands behind its name. */
const READ_ONLY = '25006';

/** 53 resources, 57 operator, 58 system, XX internal or damaged; 72000 and 40003 are of no statement's making either. */
export function isTrouble(sqlState: string): boolean {
  return /^(53|57|58|XX)/.test(sqlState) || sqlState === '72000' || sqlState === '40003';
}

/**
 * A sequence is at its end, or gives a key of the ledger once more: a role that may set sequences has set one of the ledger's. The next
 * execution repairs it (sql/ledger/repair-sequences.sql), and it is no reason to undo anything.
 */
function isLedgerSequence({ code, schema, constraint }: DatabaseError): boolean {
  return (
    code === '2200H' || (code === '23505' && schema === 'p2pfk' && /^(event|migration)_pkey$/.test(constraint ?? ''))
  );
}

/** Class 22, data exception, but for a sequence that is at its end, and 22001, by which the ledger's triggers refuse a text that is too long. */
const DATA_EXCEPTION = /^22(?!00H|001)/;

/**
 * The error of a query of `sql/`. These read the catalog and the ledger; statements on the application's data are run by `execute.ts`. So a
 * data exception here says nothing about that data: a value in the catalog is one that the query does not expect. It undoes nothing, and
 * another try would find the same.
 *
 * @param name of the file
 */
export function toQueryError(error: unknown, name: string): unknown {
  if (!(error instanceof DatabaseError) || !DATA_EXCEPTION.test(error.code ?? '')) return error;
  const why = `p2pfk cannot evaluate what it reads from the catalog (sql/${name}.sql): ${messageOf(error)}`;
  return new InternalFault(why, { sqlState: error.code ?? '' }, { cause: error });
}

/** Whether an error says that the connection is gone or never was. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  if (error instanceof DatabaseError) return isLoss(error.code ?? '');
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code;
  return (code !== undefined && NETWORK_CODES.has(code)) || CONNECTION_ENDED.test(error.message);
}

/** SQLSTATE of a PostgreSQL error, otherwise undefined. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : error instanceof P2pfkError ? error.context.sqlState : undefined;
}

/**
 * The named error for anything thrown while `statement` ran. A {@link P2pfkError} passes through untouched. What PostgreSQL says may
 * quote a connection string or a password (of dblink, say, or of code of the application): what looks like one is taken out here, before
 * it becomes a part of a message of ours.
 */
export function toNamedError(error: unknown, statement?: string): P2pfkError {
  if (error instanceof P2pfkError) return error;
  const context: { -readonly [Key in keyof PostgresErrorContext]: PostgresErrorContext[Key] } = {};
  if (statement !== undefined) context.statement = statement;
  if (error instanceof DatabaseError) {
    const sqlState = error.code ?? 'XX000';
    const message = messageOf(error);
    context.sqlState = sqlState;
    // DETAIL of a constraint violation quotes the offending row: that is the application's data, not ours to show.
    if (error.detail && !sqlState.startsWith('23')) context.detail = redact(error.detail);
    if (error.hint) context.hint = redact(error.hint);
    const where = redact(error.where?.split('\n', 1)[0] ?? '').slice(0, LONGEST_WHERE);
    if (where && !sqlState.startsWith('23')) context.where = where;
    const options = { cause: error };
    if (isRefusal(sqlState)) return new ConnectionRefused(message, context, options);
    if (isLoss(sqlState)) return new ConnectionLost(message, context, options);
    if (sqlState === '42501' && error.routine === ROW_SECURITY_CHECK) {
      const why = `row-level security applies to this role, so it would not see all rows: ${message}; use a superuser, a role with BYPASSRLS, or the owner where the policy is not forced`;
      return new RowSecurityApplies(why, context, options);
    }
    if (sqlState === READ_ONLY) {
      const why = `nothing can be written: the server is a standby, or was the primary until a failover, or the transaction was to read only: ${message}`;
      return new ConnectionLost(why, context, options);
    }
    if (isLedgerSequence(error)) {
      const why = `${message}: a sequence of the ledger, schema p2pfk, was set by another role; p2pfk migrate and p2pfk rollback repair it when they are run again`;
      return new ServerTrouble(why, context, options);
    }
    const Named = MESSAGE_OF_STATE[sqlState] ?? (isTrouble(sqlState) ? ServerTrouble : StatementFailed);
    return new Named(message, context, options);
  }
  if (isConnectionError(error)) {
    return new ConnectionLost(`the connection to PostgreSQL was lost: ${messageOf(error)}`, context, { cause: error });
  }
  return new InternalFault(messageOf(error), context, { cause: error });
}
