-- Every foreign key that touches a partitioned table or a partition, in the schemas of :'schemas' (null: in all), but for those that
-- PostgreSQL derives from another one and those of the ledger. Pair FKs are one row for each two partitioned tables.
--
-- kind: `parent` connects two partitioned tables; `pairs` leaf partitions of two; `partition-to-table` is a partition's own, to a whole
-- partitioned table; the others have a plain table on one side (`to-plain`, `from-plain`), or a partition beside a whole table
-- (`to-partition`).
--
-- Statistics of a side are those of all its leaf partitions: `rows` and `bytes` as the last VACUUM or ANALYZE has noted them. `hidden`: schemas
-- without USAGE for this role. `locked_by`: a session that holds ACCESS EXCLUSIVE on a table of a side, or waits for it: to look at such a
-- table is to wait for that session. `stranger`: the first role, by name, that owns a table of a side and may not become the login; it could
-- change them between any two statements (as in audit/tables-with-pair-foreign-keys.sql).
--
-- The planner cannot know how many partitions there are: run it with enable_nestloop = off. Reads pg_catalog only, opens no table, and takes no
-- lock on any. Its number of scans is constant.
-- not null: kind, foreign_keys, table_oid, table_name, table_leaves, table_rows, table_bytes, referenced_oid, referenced_name, referenced_leaves,
--   referenced_rows, referenced_bytes, validated, temporal, on_delete, detached, hidden
-- types: hidden string[]
-- may be null: schemas
:begin
WITH RECURSIVE fk AS MATERIALIZED (
  SELECT c.oid, c.conname, c.convalidated OR NOT c.enforced AS validated, c.temporal, c.confdeltype, c.conrelid, c.confrelid,
         CASE WHEN a.relkind = 'p' AND b.relkind = 'p' THEN 'parent'
              WHEN a.relispartition AND a.relkind = 'r' AND b.relispartition AND b.relkind = 'r' THEN 'pairs'
              WHEN a.relispartition AND a.relkind = 'r' AND b.relkind = 'p' THEN 'partition-to-table'
              WHEN a.relkind = 'p' AND b.relispartition THEN 'to-partition'
              WHEN a.relkind = 'p' OR a.relispartition THEN 'to-plain'
              ELSE 'from-plain' END AS kind
    -- Columns of 18+: before, these are names of the columns of `missing`.
    FROM (VALUES (true, false)) missing(conenforced, conperiod)
   CROSS JOIN LATERAL (
         SELECT k.oid, k.conname, k.convalidated, k.confdeltype, k.conrelid, k.confrelid, conenforced AS enforced, conperiod AS temporal
           FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0) c
    JOIN pg_class a ON a.oid = c.conrelid
    JOIN pg_class b ON b.oid = c.confrelid
    JOIN pg_namespace n ON n.oid = a.relnamespace AND n.nspname <> 'p2pfk'
   WHERE a.relkind = 'p' OR a.relispartition OR b.relkind = 'p' OR b.relispartition
), above AS (
  -- Of foreign keys of single partitions, with all partitioned tables above them.
  SELECT p.oid AS relation, p.oid
    FROM (SELECT f.conrelid AS oid FROM fk f WHERE f.kind IN ('pairs', 'partition-to-table')
          UNION
          SELECT f.confrelid FROM fk f WHERE f.kind = 'pairs') p
  UNION ALL
  SELECT a.relation, i.inhparent
    FROM above a JOIN pg_class c ON c.oid = a.oid AND c.relispartition JOIN pg_inherits i ON i.inhrelid = a.oid
), root AS MATERIALIZED (
  SELECT a.relation, a.oid FROM above a JOIN pg_class r ON r.oid = a.oid AND NOT r.relispartition
), named AS MATERIALIZED (
  -- Pair FKs and those of single partitions are about the tables above them.
  SELECT f.kind, count(*)::int AS foreign_keys,
         CASE WHEN f.kind IN ('pairs', 'partition-to-table') THEN coalesce(ra.oid, f.conrelid) ELSE f.conrelid END AS a,
         CASE WHEN f.kind = 'pairs' THEN coalesce(rb.oid, f.confrelid) ELSE f.confrelid END                      AS b,
         min(f.oid) AS constraint_oid, min(f.conname::text) AS constraint_name,
         bool_and(f.validated) AS validated, bool_or(f.temporal) AS temporal, min(f.confdeltype::text) AS on_delete
    FROM fk f
    LEFT JOIN root ra ON ra.relation = f.conrelid
    LEFT JOIN root rb ON rb.relation = f.confrelid
   GROUP BY 1, 3, 4, CASE WHEN f.kind NOT IN ('pairs', 'partition-to-table') THEN f.oid END
), member AS MATERIALIZED (
  -- Each of these tables, with itself and all that is below it: partitions, and heirs of a table that is not partitioned.
  SELECT t.oid AS top, t.oid AS relation FROM (SELECT n.a AS oid FROM named n UNION SELECT n.b FROM named n) t
  UNION ALL
  SELECT m.top, i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.relation
), locked AS MATERIALIZED (
  -- 0: a prepared transaction.
  SELECT l.relation, min(coalesce(l.pid, 0)) AS pid
    FROM pg_locks l
   WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   GROUP BY l.relation
), stranger AS MATERIALIZED (
  SELECT r.oid, r.rolname::text AS name
    FROM pg_roles r
   WHERE (r.rolname::text = ANY (string_to_array(current_setting('p2pfk.trusted_owners', true), ','))) IS NOT TRUE
     AND NOT pg_has_role(r.oid, session_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
), hidden AS MATERIALIZED (
  SELECT n.oid, n.nspname::text AS name FROM pg_namespace n WHERE NOT has_schema_privilege(n.oid, 'USAGE')
), side AS MATERIALIZED (
  SELECT m.top AS oid,
         count(*) FILTER (WHERE c.relkind <> 'p')::int                                        AS leaves,
         coalesce(sum(least(greatest(c.reltuples::float8, 0), 1e13)) FILTER (WHERE c.relkind <> 'p'), 0)::float8   AS rows,
         coalesce(sum(greatest(c.relpages, 0)::float8 * current_setting('block_size')::int) FILTER (WHERE c.relkind <> 'p'), 0)::float8 AS bytes,
         min(l.pid)                                                                           AS locked_by,
         min(s.name)                                                                          AS stranger,
         coalesce(jsonb_agg(DISTINCT h.name) FILTER (WHERE h.name IS NOT NULL), '[]')         AS hidden
    FROM member m
    JOIN pg_class c ON c.oid = m.relation AND (c.relispartition OR m.relation = m.top)
    LEFT JOIN locked l ON l.relation = c.oid
    LEFT JOIN stranger s ON s.oid = c.relowner
    LEFT JOIN hidden h ON h.oid = c.relnamespace
   GROUP BY m.top
)
SELECT n.kind, n.foreign_keys, n.constraint_oid, n.constraint_name, n.validated, n.temporal, n.on_delete,
       n.a AS table_oid, format('%I.%I', an.nspname, a.relname) AS table_name, sa.leaves AS table_leaves, sa.rows AS table_rows, sa.bytes AS table_bytes,
       n.b AS referenced_oid, format('%I.%I', bn.nspname, b.relname) AS referenced_name,
       sb.leaves AS referenced_leaves, sb.rows AS referenced_rows, sb.bytes AS referenced_bytes,
       coalesce(sa.locked_by, sb.locked_by) AS locked_by,
       coalesce(sa.stranger, sb.stranger)   AS stranger,
       sa.hidden || sb.hidden               AS hidden,
       -- A table that references one partition of a table: what a DETACH leaves behind, or made so.
       n.kind = 'from-plain' AND b.relispartition AS detached
  FROM named n
  JOIN pg_class a ON a.oid = n.a JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = n.b JOIN pg_namespace bn ON bn.oid = b.relnamespace
  JOIN side sa ON sa.oid = n.a
  JOIN side sb ON sb.oid = n.b
 WHERE :'schemas'::jsonb IS NULL OR jsonb_typeof(:'schemas'::jsonb) = 'null'
    OR :'schemas'::jsonb ? an.nspname::text OR :'schemas'::jsonb ? bn.nspname::text
 ORDER BY 9, 14, n.constraint_name
:end
