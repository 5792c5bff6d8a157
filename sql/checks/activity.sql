-- Long-running transactions and prepared transactions: an index build waits for them, and they may block our locks.
-- not null: kind, id, seconds
SELECT 'transaction' AS kind, a.pid::text AS id, a.usename AS owner,
       extract(epoch FROM now() - a.xact_start)::int AS seconds
  FROM pg_stat_activity a
 WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
   AND a.xact_start < now() - interval '5 minutes'
UNION ALL
SELECT 'prepared', p.gid, p.owner, extract(epoch FROM now() - p.prepared)::int
  FROM pg_prepared_xacts p
 WHERE p.database = current_database()
 ORDER BY seconds DESC
 LIMIT 20;
