/** Settings that are planted on a database or a role, and how a session keeps its own all the same. */
import type { Client } from 'pg';

/** Each is one that a statement of ours relies on. Times are long enough for a busy machine to open a session at all. */
const PLANTED: readonly (readonly [name: string, value: string])[] = [
  ['lock_timeout', '1ms'],
  ['statement_timeout', '500ms'],
  ['transaction_timeout', '500ms'],
  ['idle_session_timeout', '500ms'],
  ['idle_in_transaction_session_timeout', '100ms'],
  ['session_replication_role', 'replica'],
  ['default_transaction_read_only', 'on'],
  ['default_transaction_isolation', 'serializable'],
  ['default_transaction_deferrable', 'on'],
  ['search_path', 'app'],
  ['row_security', 'off'],
  ['DateStyle', 'SQL, DMY'],
  ['IntervalStyle', 'sql_standard'],
  ['TimeZone', 'Pacific/Chatham'],
  ['quote_all_identifiers', 'on'],
  ['standard_conforming_strings', 'off'],
  ['array_nulls', 'off'],
  ['transform_null_equals', 'on'],
  ['bytea_output', 'escape'],
  ['extra_float_digits', '-15'],
  ['client_min_messages', 'debug5'],
  ['client_connection_check_interval', '1ms'],
  ['exit_on_error', 'on'],
  ['synchronous_commit', 'off'],
  ['track_activities', 'off'],
  ['allow_system_table_mods', 'on'],
  ['enable_indexscan', 'off'],
  ['enable_hashjoin', 'off'],
  ['enable_seqscan', 'off'],
  ['force_parallel_mode', 'on'],
  ['debug_parallel_query', 'on'],
];

/** Those that this server has. */
export async function plantable(client: Client): Promise<(readonly [name: string, value: string])[]> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM pg_settings WHERE name = ANY ($1)', [
    PLANTED.map(([name]) => name),
  ]);
  return PLANTED.filter(([name]) => rows.some((row) => row.name === name));
}

/** Options of a start-up message, which go before those of a database or a role: each setting as this session has it. */
export async function ownSettings(client: Client): Promise<string> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_settings WHERE name = ANY ($1) ORDER BY name',
    [PLANTED.map(([name]) => name)],
  );
  return rows.map(({ name, setting }) => `-c ${name}=${setting.replaceAll(/[\\ ]/g, '\\$&')}`).join(' ');
}
