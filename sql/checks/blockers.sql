-- The sessions that the waiting session :'pid' waits for: oldest transaction first. The sessions in :'ours'
-- (ledger/our-sessions.sql) are left out, but not the sessions that these wait for. The query is as in lock-holders.sql. A
-- prepared transaction has no session, and the pid 0.
-- not null: pid
:begin
SELECT b.pid,
       a.usename                                  AS "user",
       nullif(a.application_name, '')             AS application,
       coalesce(a.state, a.backend_type)          AS state,
       to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS since,
       m.masked AS query
  FROM pg_stat_activity w
 CROSS JOIN LATERAL (SELECT DISTINCT unnest(pg_blocking_pids(w.pid)) AS pid) b
  LEFT JOIN pg_stat_activity a ON a.pid = b.pid
  CROSS JOIN LATERAL (SELECT a.query, a.state) q
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
 WHERE w.pid = :'pid'::int AND w.wait_event_type = 'Lock'
   AND b.pid NOT IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'ours'::jsonb) p(pid))
 ORDER BY a.xact_start NULLS LAST, b.pid
 LIMIT 20
:end
