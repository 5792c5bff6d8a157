-- Drops an index that this product built: an INVALID leftover before its rebuild, or all of them in a rollback.
-- Lock: SHARE UPDATE EXCLUSIVE on the referencing leaf. Stops no reader and no writer. Runs outside a transaction.
-- Blocked by: transactions that still use the index (it waits for them).
:begin
SELECT p.pair,
       format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', an.nspname, p.index_name) AS sql,
       'SHARE UPDATE EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_name name, index_name name, root_constraint name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair
:end
