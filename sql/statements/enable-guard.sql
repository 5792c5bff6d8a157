-- Makes the row-movement guard fire again where somebody has disabled it.
-- Lock: SHARE ROW EXCLUSIVE on the referenced table and its partitions; lock-referenced-for-guard has taken it.
WITH RECURSIVE tree AS (
  SELECT :'referenced_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
)
SELECT format('ALTER TABLE ONLY %I.%I ENABLE TRIGGER %I', n.nspname, c.relname, g.tgname) AS sql,
       'SHARE ROW EXCLUSIVE on the referenced table and its partitions' AS lock
  FROM tree
  JOIN pg_class c ON c.oid = tree.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname = 'p2pfk_row_movement_guard_' || :'migration_id'::text
                   AND g.tgenabled NOT IN ('O', 'A')
 ORDER BY n.nspname, c.relname;
