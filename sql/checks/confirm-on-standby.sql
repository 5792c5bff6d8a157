-- Waits until the synchronous standby has all that was committed so far, as the synchronous_commit that the session came with asks
-- for it. Run it alone and outside a transaction, so that nothing is locked meanwhile. The message in the WAL changes nothing and is read by
-- no one: a transaction that has written nothing does not wait.
-- not null: lsn
:begin
SELECT pg_logical_emit_message(true, 'p2pfk', set_config('synchronous_commit', current_setting('p2pfk.caller_synchronous_commit'), true))::text AS lsn
:end
