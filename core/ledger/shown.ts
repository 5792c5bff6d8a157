/** A migration as it is shown to a person before an action, and the check that it has not changed when the action is performed. */
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { decisiveText } from '../contracts/decisive-options.ts';
import { InvalidInput } from '../contracts/errors.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { approvalProblem } from './approval-check.ts';
import { isLedgerReadable } from './schema/state.ts';

/** The state of a migration and its approval, and the rights of this role on it; see `sql/ledger/approval.sql`. Times are ISO 8601. */
export type MigrationNow = Row<'ledger/approval'>;

export function readMigrationNow(client: Client, migrationId: string): Promise<MigrationNow> {
  return runOne(client, 'ledger/approval', { migration_id: migrationId });
}

/**
 * The same for a session that has not looked at the ledger yet.
 *
 * @throws InvalidInput where there is no ledger that this role may read
 */
export async function readShown(client: Client, migrationId: string): Promise<MigrationNow> {
  const readable = await isLedgerReadable(client);
  if (!readable) throw new InvalidInput(`migration ${migrationId} is not in a ledger that this role may read`);
  return readMigrationNow(client, migrationId);
}

/** The same, and until the end of the transaction nothing else can change it. */
export async function lockMigrationNow(client: Client, migrationId: string): Promise<MigrationNow> {
  await run(client, 'ledger/approval-of-drop', { migration_id: migrationId });
  return readMigrationNow(client, migrationId);
}

/** One line: why the approval that is there does not count; null: it does, or there is none. */
export function whyVoid(now: MigrationNow): string | null {
  return now.approved_at === null ? null : approvalProblem({ ...now, options: { ...now.options, approval: 'manual' } });
}

/** Identifies what was shown: a form or a prompt passes it to the action, which is refused if the stamp is a different one by then. */
export function stampOf(now: MigrationNow): string {
  const { id, state, execution, options, rehearsal, approved_at: approvedAt, dropped } = now;
  const shown = [execution, options.approval, decisiveText(options), rehearsal, approvedAt, dropped];
  return `${id}:${state}:${createHash('sha256').update(JSON.stringify(shown)).digest('hex')}`;
}

const STAMP = /^([1-9]\d{0,17}):([a-z-]{1,20}):[0-9a-f]{64}$/;

/**
 * @param stamp of what was shown
 * @throws InvalidInput with one line that describes the difference
 */
export function refuseChanged(now: MigrationNow, stamp: string): void {
  if (stamp === stampOf(now)) return;
  throw new InvalidInput(`nothing was changed: ${differenceOf(now, stamp)}; look at it again`);
}

function differenceOf(now: MigrationNow, stamp: string): string {
  const [, id, state] = STAMP.exec(stamp) ?? [];
  if (id === undefined) return 'it is not known what was shown';
  if (id !== now.id) return `migration ${id} was shown, and this is migration ${now.id}`;
  if (state !== now.state) return `migration ${id} was ${state} when it was shown, and is ${now.state} now`;
  return `migration ${id} has changed since it was shown (its execution, options, accepted findings, rehearsal or approval)`;
}
