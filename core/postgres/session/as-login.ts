/**
 * Looks at sessions with the role that has logged in. Where a login has a role set for it (`ALTER ROLE login SET role = owner`),
 * its sessions belong to the login: as `owner` PostgreSQL hides from it what its own sessions do, and lets it cancel none of them.
 */
import type { Client } from 'pg';
import { type Arguments, type QueryName, type Row, run } from '../sql.ts';

/** Runs `work` as the login, then goes back to the role of before. For queries on pg_catalog alone. */
export async function asLogin<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  const { rows } = await client.query<{ role: string }>("SELECT current_setting('role') AS role");
  const role = rows[0]?.role ?? 'none';
  if (role === 'none') return work();
  await client.query("SELECT set_config('role', 'none', false)");
  try {
    return await work();
  } finally {
    // In a transaction that has failed this fails too, and its rollback puts the role back.
    await client.query("SELECT set_config('role', $1, false)", [role]).catch(() => undefined);
  }
}

/** One query of `sql/`, as the login. */
export function runAsLogin<Name extends QueryName>(
  client: Client,
  name: Name,
  ...values: Arguments<Name>
): Promise<Row<Name>[]> {
  return asLogin(client, () => run(client, name, ...values));
}
