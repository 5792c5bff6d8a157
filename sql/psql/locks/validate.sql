-- Runs :validate_sql and sets :failed. Named in it is the foreign key :running_oid, :validate_name, which references :reached_oid. First
-- the lock; behind it that this is still the foreign key of that name, and that no code of others would run; then VALIDATE and COMMIT
-- as one message, which needs no psql until its end. Requests for the lock block no reader and no writer, so it may wait for longer
-- than deadlock_timeout, after which PostgreSQL cancels an ordinary autovacuum that blocks it.
SELECT :'pair' = '' AS reads_all \gset
\if :reads_all
\set read_oid :referencing_oid
\else
\set read_oid :pair_referencing_oid
\endif
\set turn_pairs :pairs
SELECT jsonb_build_array(jsonb_build_object('pair', 1, 'referencing_oid', :'read_oid', 'referenced_oid', :'reached_oid')) AS pairs \gset
\set file ../../statements/lock-validation.sql
\ir ../control/rows.sql
\set pairs :turn_pairs
\set locks :result
\ir ../control/may-change-code.sql
SELECT coalesce(:'locks'::jsonb -> 0 ->> CASE WHEN c.by_owner THEN 'both_sql' ELSE 'sql' END, '') AS lock_sql,
       CASE WHEN c.by_owner THEN jsonb_build_array(:'read_oid', :'reached_oid') ELSE jsonb_build_array(:'read_oid') END AS relations,
       jsonb_build_array(jsonb_build_object('oid', :'running_oid', 'name', :'validate_name', 'relation_oid', :'read_oid', 'referenced_oid', :'reached_oid')) AS constraints
  FROM (SELECT :'by_owner'::boolean AS by_owner) c \gset
BEGIN;
SELECT jsonb_build_array(
         format('SELECT %s(%s, %L)', :'enter', :'migration_id', :'execution'),
         'SELECT set_config(''lock_timeout'', ''10000'', true)',
         format('SELECT set_config(''maintenance_work_mem'', %L, true)', m.megabytes || 'MB'),
         'SELECT set_config(''p2pfk.began_at'', clock_timestamp()::text, true)',
         :'lock_sql',
         'SELECT set_config(''p2pfk.locked_at'', clock_timestamp()::text, true)') AS statements
  FROM (-- As core/catalog/server-facts.ts: an eighth of what the server says it can cache, 1 GB at most.
        SELECT floor(greatest(:maintenance_work_mem, least(:effective_cache_size / 8, 1024 * 1048576.0)) / 1048576)::int AS megabytes) m \gset
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
\else
\set file ../../checks/not-locked.sql
\ir ../control/rows.sql
\set others :result
\set file ../../checks/other-constraints.sql
\ir ../control/rows.sql
SELECT :'others' <> '[]' OR :'result' <> '[]' AS refused,
       format('refused, nothing was changed: %s while its lock was waited for',
              CASE WHEN :'others' <> '[]' THEN 'a table was renamed, and its name belongs to another one now,'
                   ELSE 'a foreign key was replaced by another one of its name, or renamed,' END) AS refusal \gset
\if :refused
ROLLBACK;
\set error_name PartitionSetChanged
\ir ../control/give-up.sql
\endif
\ir ../control/untrusted-code.sql
\if :refused
ROLLBACK;
\set error_name UntrustedCode
\ir ../control/give-up.sql
\endif
SELECT jsonb_build_array(
         'SELECT set_config(''search_path'', current_setting(''p2pfk.caller_search_path''), true)',
         :'validate_sql',
         'SET LOCAL search_path = pg_catalog, pg_temp',
         format('SELECT p2pfk.record_transaction(%s, %L, %s, %L, %L, NULL)', :'migration_id', :'execution', coalesce(nullif(:'pair', ''), 'NULL'), :'step',
                (SELECT jsonb_agg(jsonb_build_object('sql', t.sql) ORDER BY t.n) FROM (VALUES (1, :'lock_sql'), (2, :'validate_sql')) t(n, sql)))) AS statements \gset
\set attempt_end '\\; COMMIT;'
\ir ../control/attempt.sql
\endif
SELECT set_config('lock_timeout', :'lock_timeout_ms', false) AS ignored \gset
\if :failed
\set sql :validate_sql
\set duration_ms :took_ms
\set error :failure
\ir ../../ledger/note-event.sql
\endif
