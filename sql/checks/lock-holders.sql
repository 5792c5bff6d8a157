-- The holders of locks, on one of the given relations, that conflict with the requested mode: oldest transaction first, 20 of
-- them, and every autovacuum. The holder's query is included only where the operator allows it (:'blocking_queries'), because it
-- is written to ledger, history and report; and then without literals, including numbers: they are the application's data. The
-- server keeps 1024 bytes of a query, so the last literal may have no end. The conflict table is PostgreSQL's
-- (https://www.postgresql.org/docs/current/explicit-locking.html). A prepared transaction has no session: pid 0, state
-- `prepared`, and its owner. `autovacuum`: `ordinary` yields to a lock request that has waited longer than deadlock_timeout,
-- `wraparound` never does. Without pg_read_all_stats its kind and its query are hidden; then it is recognized by having no user
-- and by its progress, and by the age at which PostgreSQL starts it to prevent wraparound.
-- not null: pid, mode, relation, relation_oid
-- types: autovacuum LockHolder['autovacuum']
:begin
WITH prepared AS (
  -- Its virtual transaction has another number on 17 than on 13 to 16; the lock on its own transaction id tells which one it is.
  SELECT t.virtualtransaction, x.owner, x.prepared
    FROM pg_locks t JOIN pg_prepared_xacts x ON x.transaction = t.transactionid
   WHERE t.pid IS NULL AND t.locktype = 'transactionid' AND t.granted
), held AS (
  SELECT coalesce(l.pid, 0) AS pid, l.mode, l.relation, c.relname, n.nspname, coalesce(a.usename, x.owner) AS usename, a.application_name,
         CASE WHEN l.pid IS NULL THEN 'prepared' ELSE a.state END AS state, a.backend_type, coalesce(a.xact_start, x.prepared) AS xact_start, a.query,
         CASE WHEN NOT coalesce(a.backend_type = 'autovacuum worker',
                                a.pid IS NOT NULL AND a.usesysid IS NULL
                                  AND (EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = l.pid)
                                       OR EXISTS (SELECT FROM pg_stat_progress_analyze v WHERE v.pid = l.pid))) THEN NULL
              WHEN CASE WHEN a.backend_type IS NOT NULL THEN a.query LIKE 'autovacuum: %(to prevent wraparound)%'
                        ELSE age(c.relfrozenxid) > current_setting('autovacuum_freeze_max_age')::int
                             OR mxid_age(c.relminmxid) > current_setting('autovacuum_multixact_freeze_max_age')::int
                             OR c.reloptions::text ~ 'freeze_max_age' END THEN 'wraparound'
              ELSE 'ordinary' END AS autovacuum,
         row_number() OVER (ORDER BY coalesce(a.xact_start, x.prepared) NULLS LAST, l.pid) AS place
    FROM pg_locks l
    JOIN pg_class c ON c.oid = l.relation
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    LEFT JOIN prepared x ON l.pid IS NULL AND x.virtualtransaction = l.virtualtransaction
   WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND l.relation IN (SELECT r.oid::oid FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid))
     AND l.mode = ANY (CASE :'mode'::text
           WHEN 'SHARE UPDATE EXCLUSIVE' THEN ARRAY['ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']
           WHEN 'SHARE ROW EXCLUSIVE'    THEN ARRAY['RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']
           -- Rows of the table: SELECT ... FOR SHARE takes the first of these on it, UPDATE the second.
           WHEN 'FOR UPDATE'             THEN ARRAY['RowShareLock', 'RowExclusiveLock']
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
       m.masked AS query
  FROM held h
  CROSS JOIN LATERAL (SELECT h.query, h.state) q
  -- The text without its data, read token by token as PostgreSQL's scanner does: strings, numbers and comments are left out. Where a
  -- setting of that session decides how it is read, where it has failed, and where a bare word may be data (SET), only its keyword.
  LEFT JOIN LATERAL (
    WITH RECURSIVE token(rest, shown, depth, clear) AS (
      SELECT left(q.query, 500), '', 0, true
      UNION ALL
      SELECT substr(t.rest, length(n.text) + 1),
             t.shown || CASE WHEN t.depth > 0 OR n.text ~ $re$^(?:\s|--|/\*)$re$ THEN CASE WHEN t.shown ~ ' $' THEN '' ELSE ' ' END
                             WHEN n.text ~ $re$^\$(?!\d)$re$ AND n.text <> '$' THEN '$$...$$'
                             WHEN n.text ~ $re$^(?:[eEnNbBxX]|[uU]&)?'$re$ THEN $$'...'$$
                             WHEN n.text ~ $re$^\.?\d$re$ THEN '...'
                             WHEN n.text ~ '^"' AND n.text !~ $re$^"(?:[^"]|"")*"$$re$ THEN '"..."'
                             ELSE n.text END,
             CASE WHEN n.text = '/*' THEN t.depth + 1 WHEN n.text = '*/' AND t.depth > 0 THEN t.depth - 1 ELSE t.depth END,
             -- standard_conforming_strings decides whether a backslash escapes the quote after it.
             t.depth > 0 OR n.text <> $re$\$re$ AND n.text !~ $re$^(?:[nNbBxX]|[uU]&)?'[^\\]*\\$re$
        FROM token t
       CROSS JOIN LATERAL (SELECT substring(t.rest FROM $re$^\$(?:(?:[A-Za-z_]|[^\x01-\x7f])(?:\w|[^\x01-\x7f])*)?\$$re$)) d(tag)
       CROSS JOIN LATERAL (
         SELECT CASE WHEN t.depth > 0 THEN substring(t.rest FROM $re$^(?:\*/|/\*|.[^*/]*)$re$)
                     WHEN d.tag IS NOT NULL THEN d.tag || CASE strpos(substr(t.rest, length(d.tag) + 1), d.tag)
                                                          WHEN 0 THEN substr(t.rest, length(d.tag) + 1)
                                                          ELSE split_part(substr(t.rest, length(d.tag) + 1), d.tag, 1) || d.tag END
                     ELSE substring(t.rest FROM $re$^(?:\s+|--[^\n\r]*|/\*|"(?:[^"]|"")*(?:"|$)|[eE]'(?:[^'\\]|\\.|'')*(?:'|$)|(?:[nNbBxX]|[uU]&)?'(?:[^']|'')*(?:'|$)|\$\d+|\.?\d(?:[\w.]|[eE][-+]\d)*|(?:[A-Za-z_]|[^\x01-\x7f])(?:[\w$]|[^\x01-\x7f])*|.)$re$) END) n(text)
       WHERE t.rest <> '' AND t.clear
    )
    SELECT CASE WHEN q.query IS NULL OR q.query = '<insufficient privilege>' THEN q.query
                WHEN t.clear AND q.state IS DISTINCT FROM 'idle in transaction (aborted)' AND NOT EXISTS (
                       SELECT FROM regexp_split_to_table(t.shown, ';') one(statement)
                        WHERE one.statement ~ $re$\S$re$ AND one.statement !~* $re$^\s*(?:autovacuum|SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|TABLE|VALUES|LOCK|TRUNCATE|COPY|VACUUM|ANALYZE|REINDEX|CLUSTER|REFRESH|DECLARE|FETCH|MOVE|CLOSE|BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|EXPLAIN|DROP|ALTER TABLE|CREATE TABLE|CREATE INDEX|CREATE UNIQUE INDEX)\M$re$)
                THEN left(btrim(t.shown), 200)
                ELSE coalesce(upper(substring(t.shown FROM $re$(?i)^\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|LOCK|TRUNCATE|COPY|BEGIN|SET|CALL|DO|EXECUTE|PREPARE|ALTER|CREATE|DROP|GRANT|REVOKE|COMMENT)\M$re$)) || ' ', '') || '...' END AS masked
      FROM token t
     ORDER BY length(t.rest), t.clear
     LIMIT 1
  ) m ON :'blocking_queries'::boolean
 WHERE h.place <= 20 OR h.autovacuum IS NOT NULL
 ORDER BY h.place
:end
