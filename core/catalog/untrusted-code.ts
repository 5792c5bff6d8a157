/**
 * Code of other roles that would run with this session's rights. It is searched for before rows are read, and again in each step,
 * because hours or days may pass between the plan and a step, and the tables' owner may add an index at any time.
 */
import { type Client, escapeLiteral } from 'pg';
import { LedgerNotTrusted, UntrustedCode } from '../contracts/errors.ts';
import { doStatement } from '../postgres/literals.ts';
import { UNTRUSTED_CODE } from '../postgres/postgres-errors.ts';
import { type Row, run, runOne, withLiterals } from '../postgres/sql.ts';
import type { ForeignKey } from './foreign-key.ts';

/**
 * Check before the parent FK is restored, which reads rows with this session's rights. The plan checks this, and each step again,
 * because hours may pass between them.
 *
 * @throws LedgerNotTrusted when the parent FK would reference another table than the pair FKs do
 * @throws UntrustedCode where code of an untrusted role would run
 */
export async function refuseUnsafeReturn(client: Client, foreignKey: ForeignKey): Promise<void> {
  const others = await run(client, 'catalog/other-target', { ...foreignKey });
  if (others.length > 0)
    throw new LedgerNotTrusted(
      `refused: the ledger, schema p2pfk, says that ${foreignKey.table} referenced ${foreignKey.referencedTable}, and the foreign keys of its partitions reference ${others.map(({ other }) => other).join(', ')}: find out who changed it before you go on (superusers, the ledger's owner and, before version 3, members of pg_write_all_data can)`,
    );
  await refuseUntrustedCode(client, foreignKey);
}

/** Two tables whose rows are read, each with all of its partitions. */
export type TablesRead = Pick<ForeignKey, 'table' | 'referencing_oid' | 'referenced_oid'>;

/** @throws UntrustedCode where code of an untrusted role would run */
export async function refuseUntrustedCode(client: Client, foreignKey: TablesRead): Promise<void> {
  const found = await untrustedCodeOf(client, foreignKey);
  if (found) throw new UntrustedCode(`refused: ${found.what}; ${found.remedy}`);
}

/** The problem and its remedy, each as a sentence without its end; undefined where there is none. */
export async function untrustedCodeOf(
  client: Client,
  foreignKey: TablesRead,
): Promise<{ readonly what: string; readonly remedy: string } | undefined> {
  const rows = await run(client, 'catalog/untrusted-code', { ...foreignKey });
  const [first] = rows;
  if (!first) return undefined;
  const list = rows.map(({ code, owner }) => `${code} of ${owner}`).join(', ');
  return {
    what: `reading ${foreignKey.table} and comparing its keys would run code with the rights of ${first.session_role}, which its owner has not got: ${list}`,
    remedy: `connect as that owner, or ${first.remedy}`,
  };
}

/**
 * Whether such code may have been added since the plan was made. The complete search takes a tenth of a second and more, several
 * times for each pair. Where the tables belong to the login's own roles, and have no types of the application's, it is not needed
 * again.
 */
export async function mayHaveNewCode(client: Client, reads: TablesRead): Promise<boolean> {
  return (await newCode(client, reads)).may;
}

/** As {@link mayHaveNewCode}. `by_owner`: from the owner of a table, so that a lock on the tables keeps it away. */
export function newCode(client: Client, reads: TablesRead): Promise<Row<'catalog/may-change-code'>> {
  return runOne(client, 'catalog/may-change-code', { ...reads });
}

/**
 * {@link refuseUntrustedCode} for a step, for tables that the plan has checked.
 *
 * @throws UntrustedCode where code of an untrusted role would run
 */
export async function refuseNewCode(client: Client, reads: TablesRead): Promise<void> {
  if (await mayHaveNewCode(client, reads)) await refuseUntrustedCode(client, reads);
}

/**
 * A statement that raises {@link UntrustedCode}, for a transaction that is sent as one message, to run behind the locks that it
 * takes.
 */
export function untrustedCodeGuard(reads: TablesRead): string {
  const query = withLiterals('catalog/untrusted-code', { ...reads });
  const found = `format('refused: reading %s and comparing its keys would run code with the rights of %s, which its owner has not got: %s; connect as that owner, or %s', ${escapeLiteral(reads.table)}, min(u.session_role), string_agg(format('%s of %s', u.code, u.owner), ', ' ORDER BY u.code), min(u.remedy))`;
  return doStatement(`DECLARE found text; BEGIN
SELECT CASE WHEN count(*) > 0 THEN ${found} END INTO found FROM (
${query}
) u;
IF found IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = found, ERRCODE = '${UNTRUSTED_CODE}'; END IF;
END`);
}
