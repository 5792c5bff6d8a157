-- Waits until no long statement of the migration runs in another session; includes itself for the next second. Index builds run
-- outside transactions, so the fence's row lock does not wait for them. Each question is a transaction of its own, because CREATE
-- INDEX CONCURRENTLY waits for transactions that are older than it.
\set file ../../ledger/running.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS some_running, :seconds_left - 1 AS seconds_left, :seconds_left <= 0 AS gives_up,
       format('a statement of migration %s still runs (pid %s) and cannot be cancelled: run the script again when it has ended',
              :'migration_id', :'result'::jsonb -> 0 ->> 'pid') AS refusal \gset
\if :some_running
\if :gives_up
\set error_name LockTimeout
\ir ../control/give-up.sql
\endif
\ir cancel-statements.sql
SELECT pg_sleep(1) AS ignored \gset
\ir await-running.sql
\endif
