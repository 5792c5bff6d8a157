-- Rebuilds an INVALID index that belongs to another object, so that it cannot be dropped alone.
-- Lock: SHARE UPDATE EXCLUSIVE on the referencing leaf. Blocks no reader and no writer. Runs outside a transaction.
-- Blocked by: transactions older than itself (it waits for them), VACUUM and DDL on the same leaf.
-- not null: pair, sql, lock
SELECT p.pair,
       format('REINDEX INDEX CONCURRENTLY %I.%I', an.nspname, p.index_name) AS sql,
       'SHARE UPDATE EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, index_name name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair;
