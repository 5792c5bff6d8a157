-- Drops the parent FK.
-- Lock: ACCESS EXCLUSIVE on both partitioned tables and all of their partitions, already held by the transaction.
-- Safe because: the gate has passed in the same transaction, and the checks after it decide between COMMIT and ROLLBACK.
-- not null: sql, lock
:begin
SELECT format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, t.relname, :'constraint_name'::text) AS sql,
       'ACCESS EXCLUSIVE on both tables and all partitions' AS lock
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE t.oid = :'referencing_oid'::oid
:end
