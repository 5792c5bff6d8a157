-- Takes the locks of drop-row-movement-guard before it, so that the wait is measured, and bounded as one.
-- Lock: ACCESS EXCLUSIVE on the referenced table and all of its partitions.
-- Blocked by: any transaction that uses any of them. lock_timeout and statement_timeout bound the wait.
:begin
SELECT format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', n.nspname, t.relname) AS sql,
       'ACCESS EXCLUSIVE on the referenced table and its partitions' AS lock
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE t.oid = :'referenced_oid'::oid
:end
