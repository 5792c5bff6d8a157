/** Drift between the ledger and the catalog: an entry that is missing, or older than the database. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pairing } from '../catalog/pairs.ts';
import { silentAction } from '../catalog/row-movement-guard.ts';
import { readFindings } from '../checks/preflight/sql-findings.ts';
import { shellWord } from '../contracts/safe-text.ts';
import { checkLedger } from '../ledger/schema/state.ts';
import type { Drift } from './drift.ts';

/** Findings of an audit that are repaired only if a person accepts them. */
export const AUDIT_ACCEPTANCE: readonly string[] = ['ledger-missing', 'ledger-outdated'];

/** The finding that the ledger has no entry, or an outdated one, with its repair. */
export async function ledgerDrift(client: Client, foreignKey: ForeignKey, pairing: Pairing): Promise<Drift[]> {
  const id = foreignKey.migrationId === null ? 'ledger-missing' : 'ledger-outdated';
  const found = await readFindings(client, { foreignKey, pairing, input: {} }, [id]);
  const { has_tables: present, readable } = await checkLedger(client);
  return found.map(({ needsAcceptance: _, ...finding }) =>
    present && !readable
      ? { finding: { ...finding, id: 'ledger-unreadable' }, partition: null, steps: [] }
      : { finding, partition: null, steps: [{ kind: 'adopt', foreignKey }], needsAcceptance: true },
  );
}

/**
 * Leaves repairs of pair FKs and guards for after the entry was made. A pair FK needs its row-movement guard before it takes
 * effect, and a guard belongs to a ledger entry, so no repair makes a pair FK or a guard without one.
 */
export function afterAdoption(drift: readonly Drift[], foreignKey: ForeignKey): Drift[] {
  if (silentAction(foreignKey) === undefined) return [...drift];
  const first = `first accept ledger-missing: p2pfk audit --table ${shellWord(foreignKey.table)} --fix --run --accept ledger-missing`;
  return drift.map((item) =>
    item.makes?.constraint || GUARD_FINDINGS.includes(item.finding.id)
      ? { ...item, finding: { ...item.finding, remedy: `${item.finding.remedy}; ${first}` }, steps: [] }
      : item,
  );
}

const GUARD_FINDINGS: readonly string[] = ['missing-guard', 'guard-disabled', 'guard-outdated'];

/** Drift of a migration that is not complete: its next execution creates the guards again, and a rollback drops the pair FKs. */
export function leftToMigration(drift: readonly Drift[]): Drift[] {
  return drift.map((item) => ({
    ...item,
    finding: {
      ...item.finding,
      remedy: 'p2pfk migrate makes it again; p2pfk rollback takes the pair foreign keys away',
    },
    steps: [],
  }));
}
