-- Runs :validate_sql as one message that needs no psql until its COMMIT, and sets :failed. The message first takes the lock:
-- with :lock_sql, or, where that is empty, by LOCK TABLE of the table that VALIDATE locks. Requests for its lock block no reader
-- and no writer, so it may wait for longer than deadlock_timeout, after which PostgreSQL cancels an ordinary autovacuum that
-- blocks it.
SELECT :'pair' = '' AS reads_all \gset
\if :reads_all
\set read_oid :referencing_oid
\else
\set read_oid :pair_referencing_oid
\endif
\ir ../control/untrusted-code.sql
\if :refused
\set error_name UntrustedCode
\ir ../control/give-up.sql
\endif
-- The guard: a name may belong to another table by the time that the lock is free (checks/not-locked.sql).
SELECT coalesce(nullif(:'lock_sql', ''), format('LOCK TABLE ONLY %I.%I IN SHARE UPDATE EXCLUSIVE MODE', n.nspname, c.relname)) AS lock_sql,
       format('DO $locked$ BEGIN IF NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.granted AND l.locktype = ''relation'' AND l.relation = %s) THEN RAISE EXCEPTION USING MESSAGE = %L, ERRCODE = ''P2F04''; END IF; END $locked$',
              c.oid, 'refused, nothing was changed: a table was renamed while its lock was waited for, and its name belongs to another one now') AS lock_guard
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = :'read_oid'::oid \gset
SELECT jsonb_path_query_array(jsonb_build_array(
         format('SELECT %s(%s, %L)', :'enter', :'migration_id', :'execution'),
         'SELECT set_config(''lock_timeout'', ''10000'', true)',
         format('SELECT set_config(''maintenance_work_mem'', %L, true)', m.megabytes || 'MB'),
         'SELECT set_config(''p2pfk.began_at'', clock_timestamp()::text, true)',
         :'lock_sql',
         :'lock_guard',
         'SELECT set_config(''p2pfk.locked_at'', clock_timestamp()::text, true)',
         'SELECT set_config(''search_path'', current_setting(''p2pfk.caller_search_path''), true)',
         :'validate_sql',
         'SET LOCAL search_path = pg_catalog, pg_temp',
         format('SELECT p2pfk.record_transaction(%s, %L, %s, %L, %L, NULL)', :'migration_id', :'execution', coalesce(nullif(:'pair', ''), 'NULL'), :'step',
                (SELECT jsonb_agg(jsonb_build_object('sql', t.sql) ORDER BY t.n) FROM (VALUES (1, :'lock_sql'), (2, :'validate_sql')) t(n, sql)))), '$[*] ? (@ != null)') AS statements
  FROM (-- As core/catalog/server-facts.ts: an eighth of what the server says it can cache, 1 GB at most.
        SELECT floor(greatest(:maintenance_work_mem, least(:effective_cache_size / 8, 1024 * 1048576.0)) / 1048576)::int AS megabytes) m \gset
\ir ../control/attempt.sql
SELECT set_config('lock_timeout', :'lock_timeout_ms', false) AS ignored \gset
\if :failed
\set sql :validate_sql
\set duration_ms :took_ms
\set error :failure
\ir ../../ledger/note-event.sql
\endif
