-- Cancels what p2pfk may still run for this migration, sets the fence, and waits until none of its statements runs. From then on
-- a late or repeated forward step changes nothing.
\ir cancel-statements.sql
\set error null
SELECT set_config('lock_timeout', '60000', false) AS ignored \gset
\ir ../../ledger/fence.sql
SELECT set_config('lock_timeout', :'lock_timeout_ms', false) AS ignored \gset
\set seconds_left 60
\ir await-running.sql
