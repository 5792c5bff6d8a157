-- The partitioned tables that the foreign keys of the partitions on these columns reference, where none of them references
-- :'referenced_oid' or a partition of it: one row for each such table (a partition that was detached since is none). Only the
-- tables' owners can change the foreign keys in the catalog; before version 3, any member of pg_write_all_data could change the
-- ledger. No row: they agree, or there is no such foreign key.
-- not null: other
:begin
WITH RECURSIVE member AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), target AS (
  SELECT DISTINCT c.confrelid AS oid
    FROM member m
   CROSS JOIN LATERAL (
         SELECT c.conrelid, c.confrelid, c.conkey, c.confkey FROM pg_constraint c
          WHERE c.conrelid = m.oid AND c.contype = 'f' AND c.conparentid = 0 OFFSET 0) c
   WHERE (SELECT jsonb_agg(jsonb_build_array(a.attname, b.attname) ORDER BY a.attname COLLATE "C")
            FROM unnest(c.conkey, c.confkey) k(att, ratt)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.att
            JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.ratt)
       = (SELECT jsonb_agg(jsonb_build_array(o.name, n.name) ORDER BY o.name COLLATE "C")
            FROM jsonb_array_elements_text(:'column_names'::jsonb) WITH ORDINALITY o(name, place)
            JOIN jsonb_array_elements_text(:'referenced_column_names'::jsonb) WITH ORDINALITY n(name, place) USING (place))
), up AS (
  SELECT t.oid AS target, t.oid FROM target t
  UNION ALL
  SELECT u.target, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid
)
SELECT DISTINCT format('%I.%I', n.nspname, r.relname) AS other
  FROM up u
  JOIN pg_class r ON r.oid = u.oid AND NOT r.relispartition AND r.relkind = 'p'
  JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE NOT EXISTS (SELECT FROM up x WHERE x.oid = :'referenced_oid'::oid)
 ORDER BY 1
:end
