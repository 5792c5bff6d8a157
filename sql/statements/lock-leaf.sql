-- Takes the locks of add-leaf-foreign-key before it, so that the wait is measured, and limited as one. The referenced table
-- first, as in lock-pair.sql.
-- Lock: SHARE ROW EXCLUSIVE on one referencing leaf, the referenced table and all of its partitions.
-- Blocked by: any writer of these. lock_timeout and statement_timeout limit the wait.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('LOCK TABLE %I.%I, ONLY %I.%I IN SHARE ROW EXCLUSIVE MODE', rn.nspname, r.relname, an.nspname, a.relname) AS sql,
       'SHARE ROW EXCLUSIVE on the referencing partition, the referenced table and its partitions' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class r ON r.oid = :'referenced_oid'::oid JOIN pg_namespace rn ON rn.oid = r.relnamespace
 ORDER BY p.pair
:end
