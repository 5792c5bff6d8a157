-- The session that works on a migration: the oldest of those in :'pids' (owner-sessions.sql). Run it as the login
-- (core/postgres/session/as-login.ts).

:begin
SELECT a.usename AS "user", host(a.client_addr) AS address,
       to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')  AS since
  FROM pg_stat_activity a
 WHERE a.pid IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'pids'::jsonb) p(pid))
 ORDER BY a.backend_start
 LIMIT 1
:end
