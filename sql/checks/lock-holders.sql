-- Who holds a lock, on one of the given relations, that conflicts with the mode we asked for. Literals are cut out of
-- the holder's query, numbers too: they are the application's data. The server keeps 1024 bytes of a query, so the last
-- literal may have no end. The conflict table is PostgreSQL's (13.3 Explicit Locking).
:begin
SELECT l.pid,
       a.usename                                  AS "user",
       nullif(a.application_name, '')             AS application,
       coalesce(a.state, a.backend_type)          AS state,
       to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS since,
       l.mode,
       format('%I.%I', n.nspname, c.relname)      AS relation,
       left(regexp_replace(regexp_replace(regexp_replace(a.query,
              $re$[eE]'(?:[^'\\]|\\.|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)$re$, $$'…'$$, 'g'),
              $re$\$([A-Za-z_]*?)\$.*?(?:\$\1\$|$)$re$, '$$…$$', 'g'),
              $re$(?<![\w$])\d+(?:\.\d+)?$re$, '…', 'g'), 200) AS query
  FROM pg_locks l
  JOIN pg_class c ON c.oid = l.relation
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation IN (SELECT r.oid::oid FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid))
   AND l.mode = ANY (CASE :'mode'::text
         WHEN 'SHARE UPDATE EXCLUSIVE' THEN ARRAY['ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']
         WHEN 'SHARE ROW EXCLUSIVE'    THEN ARRAY['RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']
         ELSE ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'] END)
 ORDER BY a.xact_start NULLS LAST, l.pid
 LIMIT 20
:end
