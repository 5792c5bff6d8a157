-- The place of a new pair: the named table, which may itself be a partition of the tree, and the root above it. No row: there is
-- no such table.
-- not null: parent_oid, parent_kind, parent, root, root_oid
WITH RECURSIVE up AS (
  SELECT c.oid, c.relispartition, 0 AS level FROM pg_class c WHERE c.oid = :'table_oid'::oid
  UNION ALL
  SELECT p.oid, p.relispartition, u.level + 1
    FROM up u
    JOIN pg_inherits i ON i.inhrelid = u.oid
    JOIN pg_class p ON p.oid = i.inhparent
   WHERE u.relispartition
)
SELECT t.oid AS parent_oid, t.relkind AS parent_kind, format('%I.%I', tn.nspname, t.relname) AS parent,
       format('%I.%I', rn.nspname, r.relname) AS root, r.oid AS root_oid
  FROM up
  JOIN up top ON NOT top.relispartition
  JOIN pg_class t ON t.oid = up.oid JOIN pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_class r ON r.oid = top.oid JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE up.level = 0;
