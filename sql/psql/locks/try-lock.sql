-- One try of lock.sql; includes itself for the next one.
\set relations :lock_relations
SELECT greatest(10, :lock_timeout_ms / 100.0) AS seconds \gset
\ir ../../catalog/deadlock-timeout.sql
\ir ../control/as-login.sql
\ir ../../checks/old-holder.sql
\ir ../control/as-role.sql
\ir ../queries/lock-turn.sql
\set sql :lock_sql
\if :in_turns
\set ways :lock_ways
\ir ../../statements/lock-in-turns.sql
\endif
BEGIN;
SELECT :enter(:'migration_id'::bigint, :'execution') AS ignored, :'pair' = '' AS is_whole \gset
\if :is_whole
\set VERBOSITY default
\set SHOW_CONTEXT errors
\set file ../../ledger/hold-row.sql
\ir ../control/rows.sql
\set VERBOSITY terse
\set SHOW_CONTEXT never
\endif
-- If psql or the network freezes from here on, the server ends the session and with it the locks.
SELECT set_config('lock_timeout', :'limit_ms', true) AS ignored,
       set_config('statement_timeout', :'limit_ms', true) AS ignored,
       set_config('idle_in_transaction_session_timeout', (:lock_timeout_ms + 50)::text, true) AS ignored,
       CASE WHEN current_setting('server_version_num')::int >= 170000
            THEN set_config('transaction_timeout', (:lock_allowed_ms + 100)::text, true) END AS ignored,
       set_config('p2pfk.began_at', t.now::text, true) AS ignored,
       t.now AS lock_began_at,
       jsonb_build_array(:'sql') AS statements
  FROM (SELECT clock_timestamp() AS now) t \gset
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
SELECT extract(epoch FROM clock_timestamp() - :'lock_began_at'::timestamptz) * 1000 AS blocked_ms \gset
\set waited_ms :took_ms
\set mode :lock_mode
\ir ../control/as-login.sql
\set file ../../checks/lock-holders.sql
\ir ../control/rows.sql
\ir ../control/as-role.sql
\ir ../queries/lock-refusal.sql
\if :autovacuum_stands
\ir end-autovacuum.sql
\endif
\if :of_a_pair
\ir ../../ledger/change-pair.sql
\endif
\set duration_ms :took_ms
\set sql :lock_sql
\set error :message
\ir ../../ledger/note-event.sql
\set waited_ms ''
\set blocked_ms ''
\if :gives_up
\set refusal :message
\ir ../control/give-up.sql
\endif
SELECT regexp_replace(:'subject', :'unprintable', '?', 'g') AS subject_label, regexp_replace(:'message', :'unprintable', '?', 'g') AS message_label,
       :attempt_number AS tried, :attempt_number + 1 AS attempt_number \gset
\if :told
\echo ↻ Attempt :attempt_number: :subject_label, after :error_name: :message_label (try :tried of :lock_tries, next within :next_s s)
\endif
SELECT pg_sleep(:pause_s) AS ignored \gset
\ir try-lock.sql
\endif
