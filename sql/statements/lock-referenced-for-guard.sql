-- Takes the locks of create-row-movement-guard before it, so that the wait is measured, and bounded as one.
-- Lock: SHARE ROW EXCLUSIVE on the referenced table and all of its partitions. Readers go on.
-- Blocked by: any writer of any partition. lock_timeout and statement_timeout bound the wait.
SELECT format('LOCK TABLE %I.%I IN SHARE ROW EXCLUSIVE MODE', n.nspname, t.relname) AS sql,
       'SHARE ROW EXCLUSIVE on the referenced table and its partitions' AS lock
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE t.oid = :'referenced_oid'::oid;
