/** Findings about the two tables: how they are partitioned, and what this role may do with them. */
import type { Client } from 'pg';
import type { ForeignKey } from '../../catalog/foreign-key.ts';
import type { PlanFinding, Severity } from '../../contracts/documents.ts';
import { type Row, run } from '../../postgres/sql.ts';
import { finding, type Intent, type PreflightSubject } from './finding.ts';

/**
 * How a table is partitioned. `strategy`: pg_partitioned_table.partstrat (l, r or h). `key_columns`: names of columns; null for a
 * part of the key that is an expression. `key_routing`: operator families (HASH) or collations (RANGE) of the key columns.
 */
export type Partitioning = Row<'catalog/partitioning'>;

const STRATEGY_NAMES: Readonly<Record<string, string>> = { l: 'LIST', r: 'RANGE', h: 'HASH' };

/** Why the two tables' partitions cannot be paired; empty where they can. */
export function checkPartitioning(
  foreignKey: ForeignKey,
  referencing: Partitioning,
  referenced: Partitioning,
): PlanFinding[] {
  const explain = (table: Partitioning) =>
    `${table.name} by ${STRATEGY_NAMES[table.strategy] ?? table.strategy} (${table.key_columns.map((column) => column ?? 'expression').join(', ')})`;
  const both = `${explain(referencing)}, ${explain(referenced)}`;
  const remedy =
    'a row and the row it references must be sure to lie in partners: both tables need the same strategy, on columns that the foreign key connects, in the same order';
  if (referencing.strategy !== referenced.strategy) {
    return [
      finding('partition-strategies-differ', 'error', `the tables are partitioned in different ways: ${both}`, remedy),
    ];
  }
  if (referencing.has_expressions || referenced.has_expressions) {
    return [
      finding(
        'partition-key-expression',
        'error',
        `a partition key is an expression: ${both}`,
        'p2pfk cannot prove that an expression gives the same value on both sides; partition by plain columns',
      ),
    ];
  }
  const connected = referencing.key_columns.map((column) => {
    const index = foreignKey.column_names.indexOf(column ?? '');
    return index < 0 ? undefined : foreignKey.referenced_column_names[index];
  });
  const same =
    connected.length === referenced.key_columns.length &&
    connected.every((column, index) => column !== undefined && column === referenced.key_columns[index]);
  const alike = referencing.key_routing.every((routing, index) => routing === referenced.key_routing[index]);
  const problem = !same
    ? 'the foreign key does not connect the partition keys'
    : !alike
      ? 'the partition keys differ in type, collation or operator class, so equal bounds are not known to mean equal values'
      : undefined;
  return problem ? [finding('partition-keys-differ', 'error', `${problem}: ${both}`, remedy)] : [];
}

/** Privileges that the role lacks: warnings for a plan, errors for a migration. */
export async function checkPrivileges(
  client: Client,
  subject: PreflightSubject,
  tables: readonly Partitioning[],
  intent: Intent,
): Promise<PlanFinding[]> {
  const { server, pairing } = subject;
  const severity: Severity = intent === 'plan' ? 'warning' : 'error';
  const but = intent === 'plan' ? ' (it can plan, but not migrate)' : '';
  const findings: PlanFinding[] = [];
  for (const table of tables) {
    if (!table.owned) {
      findings.push(
        finding(
          'not-owner',
          severity,
          `role ${server.role} does not own ${table.name}${but}`,
          `run as ${table.owner}, or GRANT ${table.owner} TO the migrating role, which then has all of its rights (never a superuser): ALTER TABLE needs ownership`,
        ),
      );
    }
    if (!table.can_select) {
      findings.push(
        finding(
          'missing-select',
          severity,
          `role ${server.role} cannot SELECT from ${table.name}${but}`,
          `GRANT SELECT ON ${table.name} TO the migrating role: without it VALIDATE falls back to one query a row`,
        ),
      );
    }
  }
  const [, referenced] = tables.length > 1 ? tables : [undefined, tables[0]];
  if (referenced && !referenced.can_reference) {
    findings.push(
      finding(
        'missing-references',
        severity,
        `role ${server.role} lacks REFERENCES on ${referenced.name}${but}`,
        `GRANT REFERENCES ON ${referenced.name} TO the migrating role`,
      ),
    );
  }
  if (server.ledger_exists ? !server.can_use_ledger : !server.can_create_schema) {
    const what = server.ledger_exists
      ? 'cannot use the ledger, schema p2pfk'
      : `may not create the ledger's schema in database ${server.database}`;
    findings.push(
      finding(
        'ledger-privilege',
        severity,
        `role ${server.role} ${what}${but}`,
        server.ledger_exists
          ? 'run as the role that owns schema p2pfk, or as a member of it with --ledger-owner (psql: -v ledger_owner)'
          : 'GRANT CREATE ON DATABASE to the migrating role, or create schema p2pfk with that role as owner',
      ),
    );
  }
  const relations = pairing.pairs.flatMap((pair) => [pair.referencing_oid, pair.referenced_oid]);
  const leaves = await run(client, 'catalog/leaf-privileges', { relations });
  const [leaf] = leaves;
  if (leaf && tables.every((table) => table.owned && table.can_select)) {
    findings.push(
      finding(
        'partition-privilege',
        severity,
        `role ${server.role} does not own, or cannot read, ${leaves.length} partition(s), the first being ${leaf.partition}${but}`,
        'give all partitions the owner of their parent table',
      ),
    );
  }
  return findings;
}
