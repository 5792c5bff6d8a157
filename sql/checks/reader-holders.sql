-- Run on a standby (a reader). Sessions whose transaction is older than :'older_than_ms' and has read one of the relations, or a
-- partition below: the replay of an ACCESS EXCLUSIVE lock waits for them, and new queries wait behind it. Oldest first, 20 of
-- them; in the form in which lock-holders.sql returns holders on the primary. pg_locks shows every session's locks to any role,
-- but pg_stat_activity hides the age of another role's transaction from a role without pg_read_all_stats. `since` is NULL then;
-- such a session counts, because it may be old.
-- not null: pid, mode, relation
-- types: autovacuum LockHolder['autovacuum']
WITH RECURSIVE tree(oid) AS (
  SELECT r.oid::oid FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid)
  UNION
  SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
), held AS (
  SELECT DISTINCT ON (l.pid) l.pid, l.mode, l.relation, a.usename, a.application_name, a.state, a.xact_start, a.query
    FROM pg_locks l
    JOIN tree t ON t.oid = l.relation
    JOIN pg_stat_activity a ON a.pid = l.pid
   WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     -- The process that replays has no user: what it holds is a lock of the primary.
     AND a.usesysid IS NOT NULL
     AND (a.xact_start IS NULL OR a.xact_start < clock_timestamp() - :'older_than_ms'::float8 * interval '1 millisecond')
     AND NOT (a.xact_start IS NULL AND pg_has_role('pg_read_all_stats', 'USAGE'))
   ORDER BY l.pid, l.relation
)
SELECT h.pid,
       h.usename                                  AS "user",
       nullif(h.application_name, '')             AS application,
       h.state,
       to_char(h.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS since,
       h.mode,
       format('%I.%I', n.nspname, c.relname)      AS relation,
       NULL::text                                 AS autovacuum,
       CASE WHEN :'blocking_queries'::boolean THEN left(regexp_replace(regexp_replace(regexp_replace(h.query,
              $re$[eE]'(?:[^'\\]|\\.|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)$re$, $$'...'$$, 'g'),
              $re$\$([A-Za-z_]*?)\$.*?(?:\$\1\$|$)$re$, '$$...$$', 'g'),
              $re$(?<![\w$])\d+(?:\.\d+)?$re$, '...', 'g'), 200) END AS query
  FROM held h
  JOIN pg_class c ON c.oid = h.relation
  JOIN pg_namespace n ON n.oid = c.relnamespace
 ORDER BY h.xact_start NULLS FIRST, h.pid
 LIMIT 20;
