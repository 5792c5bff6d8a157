-- Runs :validate_sql as one message that needs no psql until its COMMIT (:lock_sql first, where it is not empty); then
-- :failed tells. Waiters for its lock stop no reader and no writer, so it may wait for longer than deadlock_timeout, after
-- which PostgreSQL cancels an ordinary autovacuum that stands in the way.
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
SELECT jsonb_path_query_array(jsonb_build_array(
         format('SELECT %s(%s, %L)', :'enter', :'migration_id', :'execution'),
         'SELECT set_config(''lock_timeout'', ''10000'', true)',
         format('SELECT set_config(''maintenance_work_mem'', %L, true)', m.megabytes || 'MB'),
         'SELECT set_config(''p2pfk.began_at'', clock_timestamp()::text, true)',
         nullif(:'lock_sql', ''),
         'SELECT set_config(''p2pfk.locked_at'', clock_timestamp()::text, true)',
         'SELECT set_config(''search_path'', current_setting(''p2pfk.caller_search_path''), true)',
         :'validate_sql',
         'SET LOCAL search_path = pg_catalog, pg_temp',
         format('SELECT p2pfk.record_transaction(%s, %L, %s, %L, %L, NULL)', :'migration_id', :'execution', coalesce(nullif(:'pair', ''), 'NULL'), :'step',
                (SELECT jsonb_agg(jsonb_build_object('sql', t.sql) ORDER BY t.n) FROM (VALUES (1, nullif(:'lock_sql', '')), (2, :'validate_sql')) t(n, sql) WHERE t.sql IS NOT NULL))), '$[*] ? (@ != null)') AS statements
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
