-- Ends sessions that have been idle in a transaction for longer than the operator allows, and hold what we need: only those
-- given, only if they are still idle, and none of :'ours' (ledger/our-sessions.sql). Needs the same role, or pg_signal_backend,
-- and a superuser for a superuser's session. Sessions that this role may not end are skipped, because a refusal would end our own
-- step instead.
-- not null: pid, terminated
SELECT a.pid, pg_terminate_backend(a.pid) AS terminated
  FROM pg_stat_activity a
  JOIN pg_roles r ON r.oid = a.usesysid
 WHERE a.pid IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'pids'::jsonb) p(pid))
   AND a.state LIKE 'idle in transaction%'
   AND a.state_change < now() - make_interval(secs => :'seconds'::float8)
   AND a.pid NOT IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'ours'::jsonb) p(pid))
   AND CASE WHEN r.rolsuper THEN (SELECT me.rolsuper FROM pg_roles me WHERE me.rolname = current_user)
            ELSE pg_has_role(r.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE') END;
