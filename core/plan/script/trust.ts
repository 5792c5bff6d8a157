/**
 * Trust checks of a script of `plan --sql` or `audit --fix`, before it changes anything, and again before it reads rows: whether
 * its session may use the ledger, and whether reading the tables would run code of a role that does not have the session's
 * rights. The plan and the audit have checked both, but as the role that made the script, which may run days later, as a more
 * powerful role.
 *
 * Each query is in the script once, as the value of a psql variable, and psql replaces the variable's name with it.
 */
import { withoutFrame } from '../../postgres/sql.ts';
import { readSql } from '../../postgres/sql-files.ts';
import { comment, literal } from './psql-text.ts';

/** Which checks the script needs. */
export interface Asked {
  /** Whether statements of the script use the ledger. */
  readonly ledger: boolean;
  /** Whether {@link refuseCodeOfThirdTables} is used. */
  readonly thirdTables?: boolean;
  /** What to do if the script stops, as the end of a sentence; without a backslash. */
  readonly next: string;
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
    ...(thirdTables ? [kept('third_code', codeOfThirdTables())] : []),
    kept('code_refusal', readSql('script/untrusted-code')),
    `\\set what_next ${literal(next)}`,
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

/**
 * Refuses code of other roles that would run when these two tables, with all of their partitions, are read and compared.
 *
 * @param referencing name with its schema, quoted where needed; `referenced` likewise
 */
export function refuseUntrustedCode(referencing: string, referenced: string): string[] {
  return [
    `SELECT ${literal(referencing)}::regclass::oid AS referencing_oid, ${literal(referenced)}::regclass::oid AS referenced_oid \\gset`,
    "SELECT coalesce(jsonb_agg(to_jsonb(u)), '[]') AS untrusted FROM (:untrusted_code) u \\gset",
    ...refuseWhere('c.refusal', ' FROM (:code_refusal) c'),
  ];
}

/**
 * Refuses code of other roles in the tables that a partition will reference besides its partner, because ATTACH PARTITION reads
 * them. The script looks up which tables these are when it runs, because the tables' owner may have added a foreign key since.
 *
 * @param parents tables to which partitions are attached, as names in SQL
 */
export function refuseCodeOfThirdTables(parents: readonly string[]): string[] {
  const oids = parents.map((parent) => `${literal(parent)}::regclass::oid`).join(', ');
  return [
    `SELECT jsonb_build_array(${oids}) AS parents \\gset`,
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
