/** Settings that a database or a role may bring along: which of them our sessions need not pin, and a value that differs. */
import type { Client } from 'pg';

/** Reason -> names of settings that our sessions leave as they are. */
const LEFT_ALONE: readonly (readonly [reason: string, names: RegExp])[] = [
  [
    'what the server logs, counts or says of itself',
    /^(log_.*|debug_(print|pretty).*|track_(?!activities).*|trace_.*|backtrace_functions|compute_query_id|update_process_title|md5_password_warnings|icu_validation_level|escape_string_warning|operator_precedence_warning)$/,
  ],
  [
    'estimates and limits of the planner: they change how fast an answer is, not which',
    /^(.*_cost|.*_threshold|.*_above_cost|geqo.*|jit.*|cursor_tuple_fraction|effective_.*|from_collapse_limit|join_collapse_limit|min_parallel_.*|max_parallel_.*|parallel_leader_participation|recursive_worktable_factor|enable_(async_append|distinct_reordering|gathermerge|group_by_reordering|incremental_sort|memoize|parallel_append|parallel_hash|partition_pruning|partitionwise_aggregate|partitionwise_join|presorted_aggregate|self_join_elimination))$/,
  ],
  [
    'memory, input and output',
    /^(work_mem|maintenance_work_mem|hash_mem_multiplier|temp_buffers|temp_file_limit|temp_tablespaces|logical_decoding_work_mem|.*_io_concurrency|io_combine_limit|backend_flush_after|synchronize_seqscans|max_stack_depth|file_copy_method|default_toast_compression)$/,
  ],
  [
    'WAL and replication: the same data reaches the disk',
    /^(wal_.*|commit_delay|commit_siblings|debug_logical_replication_streaming)$/,
  ],
  ['VACUUM and ANALYZE, which we do not run', /^(vacuum_.*|default_statistics_target|gin_.*)$/],
  ['the name of this session', /^application_name$/],
  ['texts for people; errors are told apart by SQLSTATE', /^(lc_messages|lc_numeric|lc_time)$/],
  [
    'types that are no partition key: XML, full-text search, large objects',
    /^(xml.*|default_text_search_config|lo_compat_privileges)$/,
  ],
  ['how a person writes a time in a bound', /^timezone_abbreviations$/],
  [
    'takes effect before our first statement',
    /^(local_preload_libraries|session_preload_libraries|dynamic_library_path|extension_control_path)$/,
  ],
  [
    'roles, passwords and functions, which we do not make or only check less',
    /^(createrole_self_grant|password_encryption|scram_iterations|check_function_bodies|allow_in_place_tablespaces)$/,
  ],
  ['event triggers fire or not, as for all other DDL of this role', /^event_triggers$/],
  ['deadlocks are found by the server, and how soon is read where it matters', /^deadlock_timeout$/],
  ['of one transaction, which begins after it is set', /^transaction_(isolation|read_only|deferrable)$/],
  ['statistics are read once', /^stats_fetch_consistency$/],
  ['for developers of PostgreSQL', /^debug_discard_caches$/],
];

/** Why our sessions may leave it alone, or undefined. */
function reasonToLeaveAlone(name: string): string | undefined {
  return LEFT_ALONE.find(([, names]) => names.test(name))?.[0];
}

/** Strings have no range from which to take another value. */
const OTHER_TEXT: Readonly<Record<string, string>> = {
  DateStyle: 'German, DMY',
  TimeZone: 'Asia/Kolkata',
  client_encoding: 'LATIN1',
  default_table_access_method: 'another',
  default_tablespace: 'pg_default',
  lc_monetary: 'POSIX',
  restrict_nonsystem_relation_kind: 'view',
  search_path: 'pg_catalog, public',
};

interface Setting {
  readonly name: string;
  readonly vartype: 'bool' | 'enum' | 'integer' | 'real' | 'string';
  readonly setting: string;
  readonly max_val: string | null;
  readonly enumvals: readonly string[] | null;
}

/** Settings that a database may have, and that our sessions have to pin. */
export async function settingsToPin(client: Client): Promise<Setting[]> {
  const { rows } = await client.query<Setting>(
    `SELECT name, vartype, setting, max_val, enumvals FROM pg_settings WHERE context IN ('user', 'superuser') ORDER BY name`,
  );
  return rows.filter(({ name }) => reasonToLeaveAlone(name) === undefined);
}

/** A legal value that is not the present one. */
export function anotherValue({ name, vartype, setting, max_val, enumvals }: Setting): string {
  if (name === 'synchronous_commit') return 'off';
  if (vartype === 'bool') return setting === 'on' ? 'off' : 'on';
  if (vartype === 'enum') return enumvals?.find((value) => value !== setting) ?? '';
  if (vartype === 'string') {
    const text = OTHER_TEXT[name];
    if (text === undefined)
      throw new Error(`no other value is known for ${name}: pin it in sql/session.sql, or say why not`);
    return text;
  }
  // The kernel takes no large ones.
  if (name.startsWith('tcp_keepalives')) return String(Number(setting) + 1);
  // Long enough for a timeout that the very first statement is not cut by it.
  return String(Math.min(Number(max_val), Number(setting) + 600_001));
}

export async function valuesIn(client: Client, names: readonly string[]): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_catalog.pg_settings WHERE name = ANY ($1) ORDER BY name',
    [names],
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}
