-- Ends the wait of the session :'pid' for a synchronous standby; its transaction is committed nevertheless. Called through a new
-- session whose settings are not pinned, so every name is qualified.
-- not null: ended
:begin
SELECT COALESCE(pg_catalog.bool_or(pg_catalog.pg_cancel_backend(a.pid)), false) AS ended
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid OPERATOR(pg_catalog.=) :'pid'::pg_catalog.int4
   AND a.wait_event OPERATOR(pg_catalog.=) 'SyncRep'
:end
