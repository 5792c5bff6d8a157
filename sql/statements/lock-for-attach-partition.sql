-- Takes the locks that attaching partitions to both tables needs, before it: weakest first, the wait limited as one.
-- Lock: SHARE UPDATE EXCLUSIVE on the two partitioned tables only, which blocks no reader and no writer (CREATE TABLE ...
--   PARTITION OF would take ACCESS EXCLUSIVE there). SHARE ROW EXCLUSIVE on tables at the other end of foreign keys that
--   PostgreSQL adds to the new partition too: those that the parent references, with all of their partitions, and from 15 on
--   those that reference it, also by a foreign key to a table above it (a table, not its partitions). Read from pg_locks on 13 to
--   18. ACCESS EXCLUSIVE on a DEFAULT partition: PostgreSQL looks for rows there that belong to the new one.
-- Blocked by: other DDL on the two tables; writers of the tables at the other end; any session that uses a DEFAULT partition.
-- Safe because: the wait and the work under the locks are limited together. The strong locks are taken as in lock-tables.sql:
--   NOWAIT first, then waiting in the orders of `ways`.
-- not null: sql, lock, mode, relations, names
-- types: mode LockMode, relations number[], ways string[][]
WITH RECURSIVE parent AS (
  SELECT c.oid, c.relname, n.nspname, p.partdefid, c.oid = :'referencing_parent_oid'::oid AS is_referencing
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_partitioned_table p ON p.partrelid = c.oid
   WHERE c.oid IN (:'referencing_parent_oid'::oid, :'referenced_parent_oid'::oid)
), referenced AS (
  SELECT k.confrelid AS oid FROM parent p JOIN pg_constraint k ON k.contype = 'f' AND k.conrelid = p.oid
  UNION
  SELECT i.inhrelid FROM referenced r JOIN pg_inherits i ON i.inhparent = r.oid
), other_end AS (
  SELECT r.oid FROM referenced r
  UNION
  -- A foreign key to a table above the parent has a row for the parent, which is a child of that for the table above.
  SELECT k.conrelid
    FROM parent p
    JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = p.oid
   WHERE current_setting('server_version_num')::int >= 150000
     AND NOT EXISTS (SELECT FROM pg_constraint above WHERE above.oid = k.conparentid AND above.confrelid = p.oid)
), wanted AS (
  SELECT 1 AS step, 'SHARE UPDATE EXCLUSIVE' AS mode, format('ONLY %I.%I', nspname, relname) AS target, oid, is_referencing
    FROM parent
  UNION
  SELECT 2, 'SHARE ROW EXCLUSIVE', format('ONLY %I.%I', n.nspname, c.relname), c.oid, false
    FROM other_end o
    JOIN pg_class c ON c.oid = o.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
  UNION
  SELECT 3, 'ACCESS EXCLUSIVE', format('%I.%I', n.nspname, c.relname), c.oid, p.is_referencing
    FROM parent p
    JOIN pg_class c ON c.oid = p.partdefid AND c.relkind IN ('r', 'p')
    JOIN pg_namespace n ON n.oid = c.relnamespace
), locks AS (
  SELECT step, mode, string_agg(target, ', ' ORDER BY is_referencing, oid) AS targets, count(*) AS tables,
         min(target) FILTER (WHERE NOT is_referencing) AS referenced, min(target) FILTER (WHERE is_referencing) AS referencing,
         jsonb_agg(oid::bigint) AS relations, string_agg(replace(target, 'ONLY ', ''), ', ' ORDER BY is_referencing, oid) AS names
    FROM wanted
   GROUP BY step, mode
)
SELECT format('LOCK TABLE %s IN %s MODE%s', targets, mode, CASE step WHEN 3 THEN ' NOWAIT' END) AS sql,
       mode || ' on ' || CASE step WHEN 1 THEN 'the two partitioned tables alone'
                                   WHEN 2 THEN 'the tables at the other end of foreign keys that the new partitions get, too'
                                   ELSE 'the DEFAULT partitions: NOWAIT first, then waiting within the lock budget' END AS lock,
       mode, relations, names,
       CASE WHEN step < 3 THEN NULL
            WHEN tables = 1 THEN jsonb_build_array(jsonb_build_array(format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', targets)))
            ELSE jsonb_build_array(
                   jsonb_build_array(format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', referenced),
                                     format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', referencing),
                                     format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', referenced)),
                   jsonb_build_array(format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', referenced, referencing)),
                   jsonb_build_array(format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', referencing, referenced))) END AS ways
  FROM locks
 ORDER BY step;
