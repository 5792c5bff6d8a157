-- Who stands in the way of a session of ours, known by its application_name, that waits for a lock: oldest transaction first.
-- Other sessions of ours do not count: what they wait for does. The query as in lock-holders.sql. A prepared transaction has no
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
 WHERE w.application_name = :'application'::text AND w.datname = current_database() AND w.wait_event_type = 'Lock'
   AND a.application_name IS DISTINCT FROM w.application_name
   AND coalesce(a.application_name, '') NOT LIKE 'p2pfk/%'
 ORDER BY a.xact_start NULLS LAST, b.pid
 LIMIT 20
:end
