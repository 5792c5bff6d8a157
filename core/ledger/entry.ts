/** The ledger's entry of one foreign key, whether or not it agrees with the catalog. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { PlanLedger } from '../contracts/documents.ts';
import { type Row, run } from '../postgres/sql.ts';
import { checkLedger } from './schema/state.ts';

/** The newest entry of a foreign key; see `sql/ledger/entry.sql`. `since` is when its state began, ISO 8601. */
export type LedgerEntry = Row<'ledger/entry'>;

/** The ledger and its entry. The files of `sql/findings/` read these keys in their parameter `ledger`. */
export interface LedgerReading {
  readonly present: boolean;
  /** Whether this role may read it, and it is no copy. */
  readonly readable: boolean;
  readonly is_copy: boolean;
  readonly entry: LedgerEntry | null;
}

/** @throws LedgerNotTrusted, LedgerVersionRefused as {@link checkLedger} */
export async function readLedgerEntry(client: Client, foreignKey: ForeignKey): Promise<LedgerReading> {
  const { has_tables: present, readable, is_copy } = await checkLedger(client);
  const [entry] = readable ? await run(client, 'ledger/entry', { ...foreignKey }) : [];
  return { present, readable, is_copy, entry: entry ?? null };
}

/**
 * The first line of a plan.
 *
 * @param role the current role, for the message that it may not read the ledger
 * @param covered number of pairs that have a pair FK
 */
export function planLedger(
  { present, readable, is_copy: isCopy, entry }: LedgerReading,
  foreignKey: Pick<ForeignKey, 'constraint_oid' | 'migrationId'>,
  { role, covered }: { readonly role: string; readonly covered: number },
): PlanLedger {
  const none = { migrationId: null, execution: null, role: null, since: null, reason: null };
  if (present && !readable)
    return {
      ...none,
      state: 'unreadable',
      reason: isCopy ? 'it is a copy of the ledger of another database' : `role ${role} has no right to read it`,
    };
  const parentExists = foreignKey.constraint_oid !== null;
  if (foreignKey.migrationId === null && covered > 0 && !(parentExists && entry))
    return { ...none, state: 'missing', reason: entry ? `it knows only ${labelOf(entry)}` : null };
  if (!entry) return { ...none, state: 'never-migrated' };
  const { id, state, execution, since, reason } = entry;
  const again = state === 'migrated' && parentExists ? 'the parent foreign key exists again' : null;
  return { state, migrationId: id, execution, role: entry.role, since, reason: again ?? reason };
}

function labelOf({ id, state, since }: LedgerEntry): string {
  return `migration ${id}, ${state === 'rolled-back' ? 'rolled back' : state} since ${since}`;
}
