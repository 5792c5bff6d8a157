-- The row-movement guard of a migration, on the referenced table and on each of its partitions.
WITH RECURSIVE tree AS (
  SELECT :'referenced_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
)
SELECT format('%I.%I', n.nspname, c.relname) AS relation, c.oid = :'referenced_oid'::oid AS on_root,
       g.tgname AS trigger, coalesce(g.tgenabled IN ('O', 'A'), false) AS fires
  FROM tree
  JOIN pg_class c ON c.oid = tree.oid AND c.relkind IN ('r', 'p')
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname = 'p2pfk_row_movement_guard_' || :'migration_id'::text
 ORDER BY on_root DESC, 1;
