-- Pins the settings that our queries need, for the session or (:'local' true) for one transaction. A database or a role may have
-- other values (ALTER DATABASE ... SET, ALTER ROLE ... SET). This list is the only one; test/core/postgres/session.test.ts goes
-- through all settings of the server and has the reason for each that is not here.
--
-- It runs under the session's original settings and depends on none of them: every name is qualified, and no literal contains a
-- backslash. Therefore it runs before any other text of ours.
--
-- p2pfk.caller_search_path stores the caller's search_path: :'search_path' if that is not empty, else the session's original one.
-- Names that a person gives, and the code of the application that our DDL calls (CHECK functions, triggers, event triggers), are
-- looked up there; our own queries find nothing outside of pg_catalog.
--
-- p2pfk.trusted_owners: the roles, separated by commas, whose code may run with this session's rights
-- (catalog/untrusted-code.sql). Always set to the operator's value, because a database's owner may have set it as well.
--
-- p2pfk.caller_synchronous_commit stores the session's original synchronous_commit, for checks/confirm-on-standby.sql.
--
-- Both are an empty text behind a RESET ALL, which a session that several steps use goes through (kept/left-behind.sql).
--
-- not_pinned: settings that only a superuser may set and that do not have the right value (sql/settings-at-fault.sql names who
-- set them).
--
-- is_other_role: a role was set; sql/catalog/role-of-database.sql finds out whether the database's owner did that.
-- not null: not_pinned, is_other_role
-- types: not_pinned UnpinnedSetting[]
:begin
WITH pinned(name, value) AS (VALUES
  -- How our texts are read. Off, '\1' would be chr(1) and a replacement in a regular expression another text.
  ('standard_conforming_strings', 'on'),
  ('backslash_quote', 'safe_encoding'),
  -- Off, NULL in the text of an array would be a string; on, "x = NULL" would be "x IS NULL".
  ('array_nulls', 'on'),
  ('transform_null_equals', 'off'),
  ('client_encoding', 'UTF8'),
  -- How names and bounds are printed: they are compared as text, also with text that another session stored in the ledger.
  ('quote_all_identifiers', 'off'),
  ('TimeZone', 'UTC'),
  ('DateStyle', 'ISO, YMD'),
  ('IntervalStyle', 'postgres'),
  ('extra_float_digits', '1'),
  ('bytea_output', 'hex'),
  ('lc_monetary', 'C'),
  -- No function, operator or type of a schema in the caller's path shadows one of PostgreSQL. pg_temp is named because PostgreSQL
  -- searches it first where it is not: code of the application that runs in our session with fewer rights than ours, such as a
  -- trigger on the referencing table, could make a temporary view with the name of a catalog.
  ('search_path', 'pg_catalog, pg_temp'),
  -- Raise an error where a policy would hide rows: a hidden orphan would pass every check.
  ('row_security', 'off'),
  -- Under "replica" foreign keys do not check what the DELETE probe does, and rows enter unchecked.
  ('session_replication_role', 'origin'),
  -- Damaged pages must be an error; the first of these would write empty ones in their place.
  ('zero_damaged_pages', 'off'),
  ('ignore_checksum_failure', 'off'),
  ('allow_system_table_mods', 'off'),
  -- An expected error (a lock that is not free, a refused DELETE) must not end the session.
  ('exit_on_error', 'off'),
  -- A backend whose client is gone must have nothing to send before its end, or the broken socket stops its validation.
  ('client_min_messages', 'error'),
  -- 14 and newer can notice a client that is gone; a validation must not.
  ('client_connection_check_interval', '0'),
  -- A client machine or a network that is gone: known within a minute, so that what it held is free, and its execution is not taken
  -- for one that lives. A statement that runs goes on to its end all the same. No meaning through a Unix-domain socket.
  ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '60000'),
  -- A statement may take hours; what must be short has limits of its own.
  ('statement_timeout', '0'),
  ('transaction_timeout', '0'),
  ('lock_timeout', :'lock_timeout_ms'::pg_catalog.text),
  -- A client that freezes (Lambda does that) cannot sit on a lock; a session that is idle outside a transaction is not ended: one
  -- such session shows that its execution lives.
  ('idle_in_transaction_session_timeout', '60s'),
  ('idle_session_timeout', '0'),
  ('default_transaction_isolation', 'read committed'),
  ('default_transaction_read_only', 'off'),
  ('default_transaction_deferrable', 'off'),
  -- What was committed survives a crash of the server. A COMMIT that waits for a synchronous standby keeps its locks meanwhile, without
  -- limit, and no timeout ends it: so ours never does, and checks/confirm-on-standby.sql waits where nothing is locked.
  ('synchronous_commit', 'local'),
  -- Others must see what this session does: "does its owner live?" and the fence ask pg_stat_activity.
  ('track_activities', 'on'),
  -- Where indexes and the ledger are made, and as what: the ledger needs row locks, which other access methods may not have.
  ('default_tablespace', ''),
  ('default_table_access_method', 'heap'),
  ('restrict_nonsystem_relation_kind', ''),
  -- A count or a validation that may use no hash join takes hours, and the proof that DELETE is fast asks for index scans.
  ('enable_bitmapscan', 'on'), ('enable_hashagg', 'on'), ('enable_hashjoin', 'on'), ('enable_indexonlyscan', 'on'),
  ('enable_indexscan', 'on'), ('enable_material', 'on'), ('enable_mergejoin', 'on'), ('enable_nestloop', 'on'),
  ('enable_seqscan', 'on'), ('enable_sort', 'on'), ('enable_tidscan', 'on'),
  -- What is no constraint of an UNION ALL is not read: `on` would read the partition constraints up to the top, for each leaf.
  ('constraint_exclusion', 'partition'),
  -- Queries of the catalog seem expensive to the planner and take milliseconds; compiling one takes longer than that.
  ('jit', 'off'),
  ('plan_cache_mode', 'auto'), ('force_parallel_mode', 'off'), ('debug_parallel_query', 'off')
)
SELECT p.not_pinned,
       current_user OPERATOR(pg_catalog.<>) session_user AS is_other_role
  FROM (SELECT pg_catalog.set_config('p2pfk.caller_search_path',
                 CASE WHEN :'search_path'::pg_catalog.text OPERATOR(pg_catalog.<>) '' THEN :'search_path'::pg_catalog.text
                      WHEN pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) 'pg_catalog, pg_temp' THEN pg_catalog.current_setting('search_path')
                      -- Pinned already: a second script in one session of psql, a second transaction of one that reads.
                      ELSE COALESCE(CASE WHEN pg_catalog.current_setting('p2pfk.caller_search_path', true) OPERATOR(pg_catalog.<>) '' THEN pg_catalog.current_setting('p2pfk.caller_search_path', true) END, 'pg_catalog, pg_temp') END,
                 :'local'::pg_catalog.bool) AS caller_search_path,
               pg_catalog.set_config('p2pfk.caller_synchronous_commit',
                 CASE WHEN pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.<>) 'local' THEN pg_catalog.current_setting('synchronous_commit')
                      ELSE COALESCE(CASE WHEN pg_catalog.current_setting('p2pfk.caller_synchronous_commit', true) OPERATOR(pg_catalog.<>) '' THEN pg_catalog.current_setting('p2pfk.caller_synchronous_commit', true) END, 'local') END,
                 :'local'::pg_catalog.bool) AS caller_synchronous_commit,
               pg_catalog.set_config('p2pfk.trusted_owners', :'trusted_owners'::pg_catalog.text, :'local'::pg_catalog.bool) AS trusted_owners
        OFFSET 0) c
 CROSS JOIN LATERAL (
       SELECT pg_catalog.count(CASE WHEN k.may_set THEN pg_catalog.set_config(k.name, k.value, :'local'::pg_catalog.bool) END) AS set,
              COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', k.name, 'value', k.setting, 'wanted', k.value))
                         FILTER (WHERE NOT k.may_set AND k.setting OPERATOR(pg_catalog.<>) k.value), '[]') AS not_pinned
         FROM (SELECT s.name, s.setting, w.value,
                      s.context OPERATOR(pg_catalog.=) 'user'
                        OR pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on' AS may_set
                 FROM pinned w
                 -- The function behind the view pg_settings, on which PUBLIC has UPDATE: any login can LOCK that view.
                 JOIN pg_catalog.pg_show_all_settings() s ON s.name OPERATOR(pg_catalog.=) w.name
                WHERE c.caller_search_path IS NOT NULL AND c.caller_synchronous_commit IS NOT NULL AND c.trusted_owners IS NOT NULL) k) p
:end
