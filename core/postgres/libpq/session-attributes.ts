/** `target_session_attrs`: which of several servers a session may be on. */
import type { Client } from 'pg';

/** The attributes to try for, in this order; every host is asked for the first before the second counts. */
export function weaker(wanted: string): readonly string[] {
  return wanted === 'prefer-standby' ? ['standby', 'any'] : [wanted];
}

/** @returns why the session is not what is asked for, in libpq's words; null where it is */
export async function attributesMissing(client: Client, attributes: string): Promise<string | null> {
  if (attributes === 'any') return null;
  const { rows } = await client.query<{ standby: boolean; read_only: string }>(
    "SELECT pg_catalog.pg_is_in_recovery() AS standby, pg_catalog.current_setting('transaction_read_only') AS read_only",
  );
  const { standby = false, read_only = 'on' } = rows[0] ?? {};
  const readOnly = standby || read_only === 'on';
  switch (attributes) {
    case 'read-write':
      return readOnly ? 'session is read-only' : null;
    case 'read-only':
      return readOnly ? null : 'session is not read-only';
    case 'primary':
      return standby ? 'server is in hot standby mode' : null;
    default:
      return standby ? null : 'server is not in hot standby mode';
  }
}
