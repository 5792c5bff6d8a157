-- Foreign keys that partitions of a table have themselves, to a whole partitioned table; one row for each definition. Foreign
-- keys that PostgreSQL derives from one of the table itself are not included.
-- not null: definition, partitions, first
:begin
WITH RECURSIVE leaf AS (
  SELECT i.inhrelid AS oid FROM pg_inherits i WHERE i.inhparent = :'table_oid'::oid
  UNION ALL
  SELECT i.inhrelid FROM leaf l JOIN pg_inherits i ON i.inhparent = l.oid
)
SELECT regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') AS definition, count(*)::int AS partitions,
       min(format('%I of %I.%I', c.conname, n.nspname, r.relname)) AS first
  FROM pg_constraint c
  JOIN leaf l ON l.oid = c.conrelid
  JOIN pg_class r ON r.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
  JOIN pg_class p ON p.oid = c.confrelid AND p.relkind = 'p'
 WHERE c.contype = 'f' AND c.conparentid = 0
 GROUP BY 1
 ORDER BY 2 DESC, 1
:end
