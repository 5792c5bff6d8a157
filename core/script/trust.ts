/**
 * What a script of `plan --sql` asks before it changes anything, and again before it reads rows: whether its session may use the
 * ledger, and whether reading the tables would run code of a role that has not got the session's rights. The plan has asked both,
 * but as the role that planned: the script may run days later, as a more powerful one.
 *
 * Each question is in the script once, as the value of a psql variable, which psql puts in the place of the variable's name.
 */
import { withoutFrame } from '../sql.ts';
import { readSql } from '../sql-files.ts';
import { comment, literal } from './text.ts';

/** Outside a transaction; nothing before it touches an object in schema p2pfk. */
export function trustBlock(): string {
  return [
    comment(
      'Questions that are asked below, each more than once: psql puts them where :refuse, :ledger_state and so on are',
    ),
    kept('refuse', readSql('script/refuse')),
    kept('ledger_state', query('ledger/state')),
    kept('ledger_shape', query('ledger/shape')),
    kept('ledger_drift', query('ledger/drift')),
    kept('untrusted_code', query('catalog/untrusted-code')),
    kept('code_refusal', readSql('script/untrusted-code')),
    ...asked('ledger/expected-shape'),
    '',
    comment('Which role this is, and whether it may use the ledger: its owner and its version'),
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
    ':ledger_state \\gset',
    ...refuseWhere(":'refusal'"),
    ...refuseWhere(
      `CASE WHEN :'is_copy'::boolean THEN 'refused, nothing was changed: the schema p2pfk of this database is a copy of the ledger of the database that it subscribes to' ELSE '' END`,
    ),
    "SELECT :'readable'::boolean AND :'version_readable'::boolean AS has_version \\gset",
    '\\if :has_version',
    ...asked('ledger/version'),
    ...refuseWhere(":'version_refusal'"),
    '\\endif',
  ].join('\n');
}

/** Where no statement of the script makes or upgrades the ledger: it is there, and as its version has it. */
export function requireLedger(): string[] {
  return [
    ...refuseWhere(
      `CASE WHEN :'has_tables'::boolean THEN '' ELSE 'refused, nothing was changed: there is no ledger, schema p2pfk, in this database' END`,
    ),
    ...refuseDrift(),
  ];
}

/** In the transaction that has made or upgraded the ledger. */
export function refuseLedger(): string[] {
  return [...refuseWhere('s.refusal', ' FROM (:ledger_state) s'), ...refuseDrift()];
}

/**
 * Refuses code of others that reading and comparing these two would run, with all of their partitions.
 *
 * @param referencing as SQL writes it, with its schema; so is the other one
 */
export function refuseUntrustedCode(referencing: string, referenced: string): string[] {
  return [
    `SELECT ${literal(referencing)}::regclass::oid AS referencing_oid, ${literal(referenced)}::regclass::oid AS referenced_oid \\gset`,
    "SELECT coalesce(jsonb_agg(to_jsonb(u)), '[]') AS untrusted FROM (:untrusted_code) u \\gset",
    ...refuseWhere('c.refusal', ' FROM (:code_refusal) c'),
  ];
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

/** A question whose one row becomes psql variables. */
function asked(name: string): string[] {
  return [query(name).trimEnd(), '\\gset'];
}

/** The value of a psql variable. It holds no backslash command: that would take the lines behind it for its arguments. */
function kept(variable: string, text: string): string {
  let tag = 'p2pfk';
  while (text.includes(`$${tag}$`)) tag += '_';
  return `SELECT $${tag}$${text}$${tag}$ AS ${variable} \\gset`;
}
