-- One try of lock.sql; includes itself for the next one.
BEGIN;
SELECT :enter(:'migration_id'::bigint, :'execution') AS ignored \gset
SELECT set_config('lock_timeout', :'lock_timeout_ms', true) AS ignored,
       set_config('statement_timeout', :'lock_timeout_ms', true) AS ignored,
       set_config('p2pfk.began_at', clock_timestamp()::text, true) AS ignored,
       jsonb_build_array(:'lock_sql') AS statements \gset
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
\set relations :lock_relations
\set mode :lock_mode
\ir ../control/as-login.sql
\set file ../../checks/lock-holders.sql
\ir ../control/rows.sql
\ir ../control/as-role.sql
\ir ../queries/lock-refusal.sql
\if :of_a_pair
\ir ../../ledger/change-pair.sql
\endif
\set duration_ms :took_ms
\set sql :lock_sql
\set error :message
\ir ../../ledger/note-event.sql
\if :gives_up
\set refusal :message
\ir ../control/give-up.sql
\endif
SELECT :attempt_number + 1 AS attempt_number \gset
\if :told
\echo ↻ Attempt :attempt_number: :subject, after :error_name: :message
\endif
SELECT pg_sleep(:pause_s) AS ignored \gset
\ir try-lock.sql
\endif
