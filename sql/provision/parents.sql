-- The two tables that a new pair is attached to, and the schemas that their partitions are made in by default.
-- not null: name, schema, relname, oid
SELECT format('%I.%I', n.nspname, c.relname) AS name, n.nspname AS schema, c.relname AS relname, c.oid AS oid
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid IN (:'referencing_parent_oid'::oid, :'referenced_parent_oid'::oid);
