-- Takes the locks of add-parent-foreign-key before it, so that the wait is measured, and limited as one. Not enough where leaves'
-- FKs will be attached: see there.
-- Lock: SHARE ROW EXCLUSIVE on both partitioned tables and all of their partitions. Readers are not blocked.
-- Blocked by: any writer of any partition. lock_timeout and statement_timeout limit the wait.
-- not null: sql, lock
:begin
SELECT format('LOCK TABLE %I.%I, %I.%I IN SHARE ROW EXCLUSIVE MODE', rn.nspname, r.relname, tn.nspname, t.relname) AS sql,
       'SHARE ROW EXCLUSIVE on both tables and all partitions' AS lock
  FROM pg_class t
  JOIN pg_namespace tn ON tn.oid = t.relnamespace,
       pg_class r
  JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE t.oid = :'referencing_oid'::oid AND r.oid = :'referenced_oid'::oid
:end
