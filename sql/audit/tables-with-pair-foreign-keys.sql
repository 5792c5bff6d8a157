-- Partitioned tables of which some leaf has a foreign key of its own to a leaf of a partitioned table: migrated, as far as
-- the catalog can tell without a ledger.
WITH RECURSIVE up AS (
  SELECT DISTINCT c.conrelid AS oid
    FROM pg_constraint c
    JOIN pg_class a ON a.oid = c.conrelid AND a.relispartition AND a.relkind = 'r'
    JOIN pg_class b ON b.oid = c.confrelid AND b.relispartition AND b.relkind = 'r'
   WHERE c.contype = 'f' AND c.conparentid = 0
  UNION
  SELECT i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid
)
SELECT r.oid AS table_oid, format('%I.%I', n.nspname, r.relname) AS table_name
  FROM up
  JOIN pg_class r ON r.oid = up.oid AND NOT r.relispartition
  JOIN pg_namespace n ON n.oid = r.relnamespace
 ORDER BY 2;
