/** The settings of our sessions: `sql/session.sql` pins them, and what cannot be pinned is refused. */
import type { Client } from 'pg';
import type { UnpinnedSetting } from '../../contracts/column-types.ts';
import { SettingRefused } from '../../contracts/errors.ts';
import { TRUST_OWNERS } from '../libpq/keywords.ts';
import { sqlStateOf } from '../postgres-errors.ts';
import { runOne } from '../sql.ts';

export interface PinnedSettings {
  readonly lockTimeoutMs: number;
  /** Empty: what the session came with. */
  readonly searchPath: string;
  /** Until the end of the transaction. */
  readonly local: boolean;
  /** A role that the database may choose for the session, as its user has named it; undefined: none. */
  readonly expectedRole?: string | undefined;
}

/**
 * @throws SettingRefused with the role or database that sets what this role may not change, or with the role that the database's owner
 * has chosen for the session
 */
export async function pinSettings(
  client: Client,
  { lockTimeoutMs, searchPath, local, expectedRole }: PinnedSettings,
): Promise<void> {
  // Before anything that looks up a name: SET is grammar alone, so there is no lock for which it could wait.
  const [, { not_pinned, is_other_role: isOtherRole }] = await Promise.all([
    client.query(`SET ${local ? 'LOCAL ' : ''}lock_timeout = ${Math.max(1, Math.ceil(lockTimeoutMs))}`),
    runOne(client, 'session', {
      lock_timeout_ms: String(lockTimeoutMs),
      search_path: searchPath,
      trusted_owners: process.env[TRUST_OWNERS] ?? '',
      local,
    }),
  ]);
  if (isOtherRole) await refuseRoleOfDatabase(client, expectedRole);
  const refused: UnpinnedSetting[] = [];
  for (const setting of not_pinned) if (!(await setAsGranted(client, setting, local))) refused.push(setting);
  if (refused.length === 0) return;
  const { at_fault } = await runOne(client, 'settings-at-fault', { settings: refused });
  throw new SettingRefused(
    `refused, nothing was changed: ${at_fault}; our queries rely on ${refused.map(({ name, wanted }) => `${name} = ${wanted}`).join(', ')}, which this role may not set: take the setting back (ALTER ROLE or ALTER DATABASE ... RESET), or use another role`,
  );
}

async function refuseRoleOfDatabase(client: Client, expected: string | undefined): Promise<void> {
  const { foreign_role: role } = await runOne(client, 'catalog/role-of-database');
  if (role === '' || role === expected) return;
  throw new SettingRefused(
    `refused, nothing was changed: this session is role ${JSON.stringify(role)}, because the database says so (ALTER DATABASE ... SET role), whose owner would choose whose ledger counts as ours; if that role is to own the ledger, name it with --ledger-owner, or set it for the login (ALTER ROLE ... SET role)`,
  );
}

/** 15 and newer can grant a role the right to SET one of them, and so do some providers. */
async function setAsGranted(client: Client, { name, wanted }: UnpinnedSetting, local: boolean): Promise<boolean> {
  if (local) await client.query('SAVEPOINT setting');
  try {
    await client.query('SELECT set_config($1, $2, $3)', [name, wanted, local]);
    return true;
  } catch (error) {
    if (sqlStateOf(error) !== '42501') throw error;
    if (local) await client.query('ROLLBACK TO SAVEPOINT setting');
    return false;
  }
}
