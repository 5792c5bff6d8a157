/**
 * Findings that are one SQL file each: `sql/findings/<id>.sql`. A file returns a row for each finding, with its severity, message
 * and remedy, so that the psql scripts report the same (sql/psql/migration/findings.sql has the same list).
 */
import type { Client } from 'pg';
import type { ForeignKey } from '../../catalog/foreign-key.ts';
import { type Naming, readFinalNames } from '../../catalog/pair-names.ts';
import { asParameter, type Pair } from '../../catalog/pairs.ts';
import { type Guard, guardsOf } from '../../catalog/row-movement-guard.ts';
import type { PlanFinding } from '../../contracts/documents.ts';
import type { ExecutionInput } from '../../contracts/execution-input.ts';
import { shellWord } from '../../contracts/safe-text.ts';
import { type LedgerReading, readLedgerEntry } from '../../ledger/entry.ts';
import { nextMigrationId, readMigration } from '../../ledger/migrations.ts';
import { type Arguments, type QueryName, type Row, run } from '../../postgres/sql.ts';
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
  'guard-name-taken',
  'keys-outside-partner',
  'leaf-in-two-pairs',
  'leaf-owner',
  'leaf-owner-code',
  'leaf-owner-privilege',
  'leaf-to-parent-foreign-key',
  'ledger-copy',
  'ledger-missing',
  'ledger-outdated',
  'migrating-role',
  'missing-guard',
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
  'trigger-privilege',
  'trusted-owner',
] as const;

/** Findings that may appear between the plan and the drop: the gate and the drop check read them again. */
export const GATE_FINDINGS = [
  'leaf-owner-code',
  'leaf-owner-privilege',
  'row-security',
  'pending-detach',
  'trigger-after-guard',
] as const;

/**
 * Findings that compare the catalog with the ledger, and with which a table does not count as migrated. They have the parameters
 * `ledger` (a LedgerReading), `guards` (rows of create-row-movement-guard.sql) and `table_argument` (quoted for a shell).
 */
export const LEDGER_FINDINGS = [
  'leaf-to-parent-foreign-key',
  'ledger-missing',
  'ledger-outdated',
  'missing-guard',
] as const;

/** Findings with the parameter `final_names`. */
const NEED_FINAL_NAMES: ReadonlySet<SqlFinding> = new Set<SqlFinding>(['constraint-name', 'set-constraints']);

type SqlFinding = (typeof SQL_FINDINGS)[number];

/**
 * Runs the files. Their parameters are those of the foreign key (`referencing_oid`, `constraint_oid`, `column_names`, `actions`,
 * ...), the pairs with what exists on each (`pairs`), the leaves without a partner (`unpaired`), the names after the drop
 * (`final_names`), the number of a new migration (`guard_number`), and the execution input (`options`).
 */
export async function readFindings(
  client: Client,
  {
    foreignKey,
    pairing,
    input,
  }: Pick<PreflightSubject, 'foreignKey' | 'pairing'> & {
    readonly input: Naming & Partial<Pick<ExecutionInput, 'rowMovementGuard'>>;
  },
  names: readonly SqlFinding[] = SQL_FINDINGS,
): Promise<PlanFinding[]> {
  const values = {
    ...foreignKey,
    ...(names.some((name) => LEDGER_FINDINGS.some((id) => id === name))
      ? await readLedgerValues(client, foreignKey, pairing.pairs, input)
      : NO_LEDGER_VALUES),
    referenced_table: foreignKey.referencedTable,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    pairs: pairing.pairs.map((pair) => ({ keys_outside: null, ...pair })),
    unpaired: pairing.unpaired.map(asParameter),
    final_names: names.some((name) => NEED_FINAL_NAMES.has(name))
      ? await readFinalNames(client, foreignKey, pairing.pairs, input)
      : [],
    // A migration that has begun may already have its guards.
    guard_number:
      names.includes('guard-name-taken') && foreignKey.migrationId === null ? await nextMigrationId(client) : '',
    options: input,
  };
  const findings: PlanFinding[] = [];
  for (const name of names) findings.push(...(await readFinding(client, `findings/${name}`, values)));
  return findings;
}

interface LedgerValues {
  readonly ledger: LedgerReading | Record<never, never>;
  readonly guards: readonly Guard[];
  readonly migration_id: string;
  readonly table_argument: string;
}

const NO_LEDGER_VALUES: LedgerValues = { ledger: {}, guards: [], migration_id: '', table_argument: '' };

/** Parameters of {@link LEDGER_FINDINGS}. */
async function readLedgerValues(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly Pair[],
  input: Partial<Pick<ExecutionInput, 'rowMovementGuard'>>,
): Promise<LedgerValues> {
  const ledger = await readLedgerEntry(client, foreignKey);
  const migration = foreignKey.migrationId === null ? null : await readMigration(client, foreignKey.migrationId);
  // The migration's own options; without a ledger entry, those of this plan.
  const options = migration?.options ?? input;
  const guards = foreignKey.constraint_oid === null ? await guardsOf(client, foreignKey, pairs, options) : [];
  return {
    ledger,
    guards,
    migration_id: foreignKey.migrationId ?? '',
    table_argument: shellWord(foreignKey.table),
  };
}

/** Files of `sql/findings/`. */
type FindingName = Extract<QueryName, `findings/${string}`>;

/** The findings of one file of `sql/findings/`. */
export async function readFinding<Name extends FindingName>(
  client: Client,
  name: Name,
  ...values: Arguments<Name>
): Promise<PlanFinding[]> {
  const rows: readonly Row<FindingName>[] = await run(client, name, ...values);
  return rows.map(({ id, severity, needs_acceptance: needsAcceptance, message, remedy }) => {
    return { id, severity, message, remedy, needsAcceptance };
  });
}

/** BEFORE UPDATE triggers that run after the row-movement guards of these pairs: the finding `trigger-after-guard`. */
export function lateTriggers(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly Pair[],
  options: Partial<Pick<ExecutionInput, 'rowMovementGuard'>>,
): Promise<PlanFinding[]> {
  return readFinding(client, 'findings/trigger-after-guard', {
    ...foreignKey,
    referenced_table: foreignKey.referencedTable,
    pairs,
    options,
  });
}
