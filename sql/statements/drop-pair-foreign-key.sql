-- Drops a pair FK; the rollback's last change.
-- Lock: ACCESS EXCLUSIVE on the two leaf partitions of the pair, for milliseconds.
-- Blocked by: any transaction that uses either leaf, readers too; the lock budget limits the wait.
-- Safe because: it runs only while a valid parent FK exists (checked in the same transaction).
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('ALTER TABLE %I.%I DROP CONSTRAINT %I', an.nspname, a.relname, p.constraint_name) AS sql,
       'ACCESS EXCLUSIVE on the two partitions of the pair' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, constraint_name name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair
:end
