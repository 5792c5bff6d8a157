-- Who stands in the way of the session :'pid' that waits for a lock: oldest transaction first. The sessions in :'ours'
-- (ledger/our-sessions.sql) do not count: what they wait for does. The query as in lock-holders.sql. A prepared transaction has no
-- session, and the pid 0.
:begin
SELECT b.pid,
       a.usename                                  AS "user",
       nullif(a.application_name, '')             AS application,
       coalesce(a.state, a.backend_type)          AS state,
       to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS since,
       CASE WHEN :'blocking_queries'::boolean THEN left(regexp_replace(regexp_replace(regexp_replace(a.query,
              $re$[eE]'(?:[^'\\]|\\.|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)$re$, $$'...'$$, 'g'),
              $re$\$([A-Za-z_]*?)\$.*?(?:\$\1\$|$)$re$, '$$...$$', 'g'),
              $re$(?<![\w$])\d+(?:\.\d+)?$re$, '...', 'g'), 200) END AS query
  FROM pg_stat_activity w
 CROSS JOIN LATERAL (SELECT DISTINCT unnest(pg_blocking_pids(w.pid)) AS pid) b
  LEFT JOIN pg_stat_activity a ON a.pid = b.pid
 WHERE w.pid = :'pid'::int AND w.wait_event_type = 'Lock'
   AND b.pid NOT IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'ours'::jsonb) p(pid))
 ORDER BY a.xact_start NULLS LAST, b.pid
 LIMIT 20
:end
