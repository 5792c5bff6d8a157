-- Whether commits have to reach a synchronous standby, by the synchronous_commit that the session had when it was opened.
-- not null: awaits
:begin
SELECT coalesce(current_setting('p2pfk.caller_synchronous_commit', true) IN ('on', 'remote_write', 'remote_apply'), false)
         AND current_setting('synchronous_standby_names') <> '' AND NOT pg_is_in_recovery() AS awaits
:end
