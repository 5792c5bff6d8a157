-- Cancels what p2pfk may still run for this migration, sets the fence, and waits until nothing of it is in flight. From then
-- on a late or repeated forward step changes nothing.
\ir ../control/as-login.sql
\set file ../../ledger/cancel-statements.sql
\ir ../control/rows.sql
\ir ../control/as-role.sql
\set error null
SELECT set_config('lock_timeout', '60000', false) AS ignored \gset
\ir ../../ledger/fence.sql
-- Index builds run outside transactions; they hold this lock instead ('p2ff').
SELECT pg_advisory_lock(1882351206, :'migration_id'::int) AS ignored \gset
SELECT pg_advisory_unlock(1882351206, :'migration_id'::int) AS ignored, set_config('lock_timeout', :'lock_timeout_ms', false) AS ignored \gset
