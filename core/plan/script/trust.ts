/**
 * Trust checks of a script of `plan --sql` or `audit --fix`, before it changes anything, and again before it reads rows: whether
 * its session may use the ledger, and whether reading the tables would run code of a role that does not have the session's
 * rights. The plan and the audit have checked both, but as the role that made the script, which may run days later, as a more
 * powerful role.
 *
 * Each query is in the script once, as the value of a psql variable, and psql replaces the variable's name with it.
 */
import type { TablesRead } from '../../catalog/untrusted-code.ts';
import { lockedTablesGuard } from '../../postgres/locks/locked-tables.ts';
import { constraintsGuard, type NamedConstraint } from '../../postgres/locks/named-constraints.ts';
import { withoutFrame } from '../../postgres/sql.ts';
import { readSql } from '../../postgres/sql-files.ts';
import { comment, type LockedStatement, literal, statement } from './psql-text.ts';

/** Which checks the script needs. */
export interface Asked {
  /** Whether statements of the script use the ledger. */
  readonly ledger: boolean;
  /** Whether {@link refuseCodeOfThirdTables} is used. */
  readonly thirdTables?: boolean;
  /** What to do if the script stops, as the end of a sentence; without a backslash. */
  readonly next: string;
}

/**
 * The settings of p2pfk's own sessions: of the database, the role or the server may be others, such as a tablespace of its own for indexes, or a
 * session_replication_role under which the DELETE probe shows nothing.
 */
function pinnedSettings(): string[] {
  return [
    comment('Settings that the statements rely on; one that this role may not set must have its value already'),
    "SELECT current_setting('lock_timeout') AS lock_timeout_ms \\gset",
    '\\set search_path :caller_search_path',
    "\\set trusted_owners ''",
    '\\set local false',
    ...asked('session'),
    'SET client_min_messages = warning;',
    ...refuseWhere(
      `coalesce((SELECT format('refused, nothing was changed: %s, which this role may not set: use another role, or take the setting back (ALTER ROLE or ALTER DATABASE ... RESET)', string_agg(format('%s is %s and must be %s', s ->> 'name', s ->> 'value', s ->> 'wanted'), '; ')) FROM jsonb_array_elements(:'not_pinned'::jsonb) s HAVING count(*) > 0), '')`,
    ),
  ];
}

/** The first checks. They run outside a transaction, and nothing before them uses an object in schema p2pfk. */
export function trustBlock({ ledger, thirdTables = false, next }: Asked): string {
  return [
    comment(
      'Questions that are asked below, each more than once: psql puts them where :refuse, :ledger_state and so on are',
    ),
    kept('refuse', readSql('script/refuse')),
    ...(ledger
      ? [
          kept('ledger_state', query('ledger/state')),
          kept('ledger_shape', query('ledger/shape')),
          kept('ledger_drift', query('ledger/drift')),
        ]
      : []),
    kept('untrusted_code', query('catalog/untrusted-code')),
    kept('may_change_code', query('catalog/may-change-code')),
    ...(thirdTables ? [kept('third_code', codeOfThirdTables())] : []),
    kept('code_refusal', readSql('script/untrusted-code')),
    `\\set what_next ${literal(next)}`,
    '',
    ...pinnedSettings(),
    ...(ledger ? asked('ledger/expected-shape') : []),
    '',
    comment(`Which role this is${ledger ? ', and whether it may use the ledger: its owner and its version' : ''}`),
    readSql('script/ledger-owner').trimEnd(),
    ...asked('catalog/role-of-database'),
    ...refuseWhere(
      `CASE WHEN :'foreign_role' NOT IN ('', :'ledger_owner') THEN format('refused, nothing was changed: this session is role %I, because the database says so (ALTER DATABASE ... SET role); if that role is to own the ledger, name it with -v ledger_owner=', :'foreign_role') ELSE '' END`,
    ),
    '\\if :named',
    ...asked('ledger/owner-role'),
    ...refuseWhere(
      `CASE WHEN :'missing'::boolean THEN format('there is no role %s, which is named as the ledger''s owner', :'ledger_owner') ELSE '' END`,
    ),
    '\\endif',
    ...(ledger ? ledgerQuestions() : []),
  ].join('\n');
}

function ledgerQuestions(): string[] {
  return [
    ':ledger_state \\gset',
    ...refuseWhere(":'refusal'"),
    ...refuseWhere(
      `CASE WHEN :'is_copy'::boolean THEN 'refused, nothing was changed: the schema p2pfk of this database is a copy of the ledger of the database that it subscribes to' ELSE '' END`,
    ),
    '\\set is_older false',
    "SELECT :'readable'::boolean AND :'version_readable'::boolean AS has_version \\gset",
    '\\if :has_version',
    ...asked('ledger/version'),
    ...refuseWhere(":'version_refusal'"),
    '\\endif',
  ];
}

/** For scripts of which no statement makes or upgrades the ledger: it must exist and have the shape of its version. */
export function requireLedger(): string[] {
  return [...requireTables(), ...refuseDrift()];
}

function requireTables(): string[] {
  return refuseWhere(
    `CASE WHEN :'has_tables'::boolean THEN '' ELSE 'refused, nothing was changed: there is no ledger, schema p2pfk, in this database' END`,
  );
}

/** The same for statements that also work with an older ledger, whose shape differs, and which only p2pfk itself upgrades. */
export function requireLedgerOfAnyVersion(): string[] {
  return [...requireTables(), '\\if :is_older', '\\else', ...refuseDrift(), '\\endif'];
}

/** The check in the transaction that has made or upgraded the ledger. */
export function refuseLedger(): string[] {
  return [...refuseWhere('s.refusal', ' FROM (:ledger_state) s'), ...refuseDrift()];
}

/** A table as the script's statements name it, with the oid that it had when the script was made. */
export interface NamedTable {
  /** With its schema, quoted where needed. */
  readonly name: string;
  readonly oid: number;
}

/**
 * Refuses where a name leads to another table than when the script was made. All further questions are about oids, because VALIDATE
 * reads what the foreign key references, even if another table has that name by then.
 *
 * @param remake the command that makes such a script
 */
export function refuseOtherTables(tables: readonly NamedTable[], remake: string): string[] {
  const list = tables.map(({ name, oid }) => `(${literal(name)}, ${oid}::oid)`).join(', ');
  const message = `format('refused, nothing was changed: %s is not the table that this script was made for: another one got its name, or the database was restored or copied; make the script anew with ${remake}', min(t.name))`;
  return refuseWhere(
    `CASE WHEN count(*) = 0 THEN '' ELSE ${message} END`,
    ` FROM (VALUES ${list}) t(name, oid) WHERE to_regclass(t.name)::oid IS DISTINCT FROM t.oid`,
  );
}

/**
 * Locks two tables for a validation. Behind the locks it refuses where a name led to another table, where the foreign key is not the
 * one that was meant, and where code of other roles would run. The referenced table is locked, too, where an owner could add code.
 */
export function lockForValidation(
  reads: TablesRead,
  lock: LockedStatement & { readonly both_sql: string },
  constraint: NamedConstraint,
): string[] {
  const { referencing_oid, referenced_oid } = reads;
  return [
    about(reads),
    'SELECT c.by_owner FROM (:may_change_code) c \\gset',
    '\\if :by_owner',
    statement({ sql: lock.both_sql, lock: 'SHARE UPDATE EXCLUSIVE on both tables, whose owner could add code else' }),
    `${lockedTablesGuard([referencing_oid, referenced_oid])};`,
    '\\else',
    statement({ sql: lock.sql, lock: 'SHARE UPDATE EXCLUSIVE on the referencing table' }),
    `${lockedTablesGuard([referencing_oid])};`,
    '\\endif',
    `${constraintsGuard([constraint])};`,
    ...refuseUntrustedCode(reads),
  ];
}

/** The same for a count of the rows of two tables, which the statements lock. */
export function lockForCount(reads: TablesRead, lockSql: string, codeLockSql: string): string[] {
  return [
    about(reads),
    'SELECT c.by_owner FROM (:may_change_code) c \\gset',
    '\\if :by_owner',
    statement({
      sql: codeLockSql,
      lock: 'SHARE UPDATE EXCLUSIVE on the two partitions, whose owner could add code else',
    }),
    '\\else',
    statement({ sql: lockSql, lock: 'ACCESS SHARE on the two partitions' }),
    '\\endif',
    `${lockedTablesGuard([reads.referencing_oid, reads.referenced_oid])};`,
    ...refuseUntrustedCode(reads),
  ];
}

function about({ referencing_oid, referenced_oid }: TablesRead): string {
  return `SELECT ${referencing_oid} AS referencing_oid, ${referenced_oid} AS referenced_oid \\gset`;
}

/** Refuses code of other roles that would run when these two tables, with all of their partitions, are read and compared. */
export function refuseUntrustedCode(reads: TablesRead): string[] {
  return [
    about(reads),
    "SELECT coalesce(jsonb_agg(to_jsonb(u)), '[]') AS untrusted FROM (:untrusted_code) u \\gset",
    ...refuseWhere('c.refusal', ' FROM (:code_refusal) c'),
  ];
}

/**
 * Refuses code of other roles in the tables that a partition will reference besides its partner, because ATTACH PARTITION reads
 * them. The script looks up which tables these are when it runs, because the tables' owner may have added a foreign key since.
 *
 * @param parents oids of the tables to which partitions are attached
 */
export function refuseCodeOfThirdTables(parents: readonly number[]): string[] {
  return [
    `SELECT jsonb_build_array(${parents.join(', ')}) AS parents \\gset`,
    "SELECT coalesce(jsonb_agg(to_jsonb(u)), '[]') AS untrusted, coalesce(min(u.third_oid), 0) AS referencing_oid FROM (:third_code) u \\gset",
    ...refuseWhere('c.refusal', ' FROM (:code_refusal) c'),
  ];
}

/** The query about two tables, for each of these tables; `third_oid` is the one that is referenced. */
function codeOfThirdTables(): string {
  const code = query('catalog/untrusted-code').replaceAll(/:'(referencing_oid|referenced_oid)'/g, 'third_table.$1');
  const tables = query('provision/referenced-tables').replace(/;\s*$/, '\n');
  return `SELECT third_table.referenced_oid::bigint AS third_oid, found.*
  FROM (\n${tables}) third_table CROSS JOIN LATERAL (\n${code}) found`;
}

function refuseDrift(): string[] {
  return [':ledger_shape \\gset', ...refuseWhere('d.drift_refusal', ' FROM (:ledger_drift) d')];
}

function refuseWhere(refusal: string, from = ''): string[] {
  return [`SELECT set_config('p2pfk.script_refusal', ${refusal}, false) AS ignored${from} \\gset`, ':refuse'];
}

function query(name: string): string {
  return withoutFrame(readSql(name));
}

/** Lines that store the one row of a query in psql variables. */
function asked(name: string): string[] {
  return [query(name).trimEnd(), '\\gset'];
}

/**
 * Lines that store a text in a psql variable. The text contains no backslash command, because that would take the lines behind it
 * as its arguments.
 */
function kept(variable: string, text: string): string {
  let tag = 'p2pfk';
  while (text.includes(`$${tag}$`)) tag += '_';
  return `SELECT $${tag}$${text}$${tag}$ AS ${variable} \\gset`;
}
