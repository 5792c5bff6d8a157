-- Who holds a lock, on one of the given relations, that conflicts with the mode we asked for: oldest transaction first, 20 of
-- them, and every autovacuum. The holder's query only where the operator wants it (:'blocking_queries'), since what is told goes
-- into ledger, history and report; and then literals are cut out of it, numbers too: they are the application's data. The server
-- keeps 1024 bytes of a query, so the last literal may have no end. The conflict table is PostgreSQL's (13.3 Explicit
-- Locking).
-- `autovacuum`: `ordinary` yields to a lock request that has waited longer than deadlock_timeout, `wraparound` never does.
-- Without pg_read_all_stats its kind and its query are hidden; then it is known by having no user and its progress, and by
-- the age at which PostgreSQL starts it to prevent wraparound.
:begin
WITH held AS (
  SELECT l.pid, l.mode, l.relation, c.relname, n.nspname, a.usename, a.application_name, a.state, a.backend_type, a.xact_start, a.query,
         CASE WHEN NOT coalesce(a.backend_type = 'autovacuum worker',
                                a.pid IS NOT NULL AND a.usesysid IS NULL
                                  AND (EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = l.pid)
                                       OR EXISTS (SELECT FROM pg_stat_progress_analyze v WHERE v.pid = l.pid))) THEN NULL
              WHEN CASE WHEN a.backend_type IS NOT NULL THEN a.query LIKE 'autovacuum: %(to prevent wraparound)%'
                        ELSE age(c.relfrozenxid) > current_setting('autovacuum_freeze_max_age')::int
                             OR mxid_age(c.relminmxid) > current_setting('autovacuum_multixact_freeze_max_age')::int
                             OR c.reloptions::text ~ 'freeze_max_age' END THEN 'wraparound'
              ELSE 'ordinary' END AS autovacuum,
         row_number() OVER (ORDER BY a.xact_start NULLS LAST, l.pid) AS place
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
)
SELECT h.pid,
       h.usename                                  AS "user",
       nullif(h.application_name, '')             AS application,
       coalesce(h.state, h.backend_type)          AS state,
       to_char(h.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS since,
       h.mode,
       format('%I.%I', h.nspname, h.relname)      AS relation,
       h.relation                                 AS relation_oid,
       h.autovacuum,
       CASE WHEN :'blocking_queries'::boolean THEN left(regexp_replace(regexp_replace(regexp_replace(h.query,
              $re$[eE]'(?:[^'\\]|\\.|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)$re$, $$'...'$$, 'g'),
              $re$\$([A-Za-z_]*?)\$.*?(?:\$\1\$|$)$re$, '$$...$$', 'g'),
              $re$(?<![\w$])\d+(?:\.\d+)?$re$, '...', 'g'), 200) END AS query
  FROM held h
 WHERE h.place <= 20 OR h.autovacuum IS NOT NULL
 ORDER BY h.place
:end
