-- Waits until the synchronous standby has everything that was committed so far, as the synchronous_commit that the session had
-- when it was opened demands. Run it alone and outside a transaction, so that nothing is locked meanwhile. The message in the WAL
-- changes nothing and is not read; it is needed because a transaction that has written nothing does not wait.
-- not null: lsn
:begin
SELECT pg_logical_emit_message(true, 'p2pfk', set_config('synchronous_commit', current_setting('p2pfk.caller_synchronous_commit'), true))::text AS lsn
:end
