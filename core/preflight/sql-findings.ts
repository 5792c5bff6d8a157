/**
 * The findings that are one SQL file each, `sql/findings/<id>.sql`. A file returns a row for each finding, with its severity,
 * message and remedy, so that the psql scripts (sql/psql/migration/findings.sql has the same list) say the same.
 */
import type { Client } from 'pg';
import type { PlanFinding, Severity } from '../contracts.ts';
import { type Naming, readFinalNames } from '../pair-names.ts';
import { run, type SqlValue } from '../sql.ts';
import type { PreflightSubject } from './finding.ts';

/** Names of the files in `sql/findings/`, which are the ids of their findings, in their order. */
export const SQL_FINDINGS = [
  'action-on-partition-key',
  'always-triggers',
  'constraint-name',
  'default-differs',
  'disabled-trigger',
  'event-trigger',
  'foreign-key-order',
  'guard-in-default',
  'keys-outside-partner',
  'leaf-in-two-pairs',
  'leaf-owner-code',
  'leaf-owner-privilege',
  'ledger-copy',
  'migrating-role',
  'not-enforced',
  'null-only-partition',
  'other-foreign-keys',
  'partition-persistence',
  'pending-detach',
  'publication-all-tables',
  'referenced-key',
  'row-movement',
  'row-security',
  'rule',
  'set-constraints',
  'statement-trigger',
  'trigger-after-guard',
] as const;

/** Those that may come up between the plan and the drop: the gate and the drop check look again. */
export const GATE_FINDINGS = ['leaf-owner-code', 'leaf-owner-privilege', 'row-security', 'pending-detach'] as const;

/** Those that have the parameter `final_names`. */
const NEED_FINAL_NAMES: ReadonlySet<string> = new Set(['constraint-name', 'set-constraints']);

interface FindingRow {
  readonly id: string;
  readonly severity: Severity;
  readonly needs_acceptance: boolean;
  readonly message: string;
  readonly remedy: string;
}

/**
 * Parameters of each file: those of the foreign key (`referencing_oid`, `constraint_oid`, `column_names`, `actions`, ...), the
 * pairs with what exists on each (`pairs`), the leaves without a partner (`unpaired`), the names after the drop (`final_names`), and the execution input (`options`).
 */
export async function readFindings(
  client: Client,
  { foreignKey, pairing, input }: Pick<PreflightSubject, 'foreignKey' | 'pairing'> & { readonly input: Naming },
  names: readonly string[] = SQL_FINDINGS,
): Promise<PlanFinding[]> {
  const values = {
    ...foreignKey,
    referenced_table: foreignKey.referencedTable,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    pairs: pairing.pairs,
    unpaired: pairing.unpaired,
    final_names: names.some((name) => NEED_FINAL_NAMES.has(name))
      ? await readFinalNames(client, foreignKey, pairing.pairs, input)
      : [],
    options: input,
  };
  const findings: PlanFinding[] = [];
  for (const name of names) findings.push(...(await readFinding(client, name, values)));
  return findings;
}

/** The findings of one file of `sql/findings/`. */
export async function readFinding(
  client: Client,
  name: string,
  values: Readonly<Record<string, SqlValue>>,
): Promise<PlanFinding[]> {
  const rows = await run<FindingRow & Record<string, unknown>>(client, `findings/${name}`, values);
  return rows.map(({ id, severity, needs_acceptance: needsAcceptance, message, remedy }) => {
    return { id, severity, message, remedy, needsAcceptance };
  });
}
