-- Ends sessions that sit idle in a transaction for longer than the operator allows, and hold what we need: only those
-- given, only if they are still idle, and never one of ours. Needs the same role, or pg_signal_backend.
SELECT a.pid, pg_terminate_backend(a.pid) AS terminated
  FROM pg_stat_activity a
 WHERE a.pid IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'pids'::jsonb) p(pid))
   AND a.state LIKE 'idle in transaction%'
   AND a.state_change < now() - make_interval(secs => :'seconds'::float8)
   AND a.application_name NOT LIKE 'p2pfk/%';
