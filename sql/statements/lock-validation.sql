-- Takes the lock of a validation before it, so that the wait is measured separately from the scan. `both_sql` locks the referenced
-- side as well, with all of its partitions where it is a partitioned table: for tables whose owner could add code, an index or
-- statistics with an expression, between the question for such code and the query plan of VALIDATE. ROW SHARE, which VALIDATE itself
-- takes there, keeps neither CREATE INDEX (SHARE) nor CREATE STATISTICS (SHARE UPDATE EXCLUSIVE) away.
-- Lock: SHARE UPDATE EXCLUSIVE on the referencing leaf, or table with its partitions. Blocks no reader and no writer, neither held nor
-- waited for.
-- not null: pair, sql, both_sql, lock
:begin
SELECT p.pair,
       format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', t.referencing) AS sql,
       format('LOCK TABLE %s, %s IN SHARE UPDATE EXCLUSIVE MODE', t.referencing, t.referenced) AS both_sql,
       'SHARE UPDATE EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
 CROSS JOIN LATERAL (
       SELECT format('%s%I.%I', CASE a.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, an.nspname, a.relname) AS referencing,
              format('%s%I.%I', CASE b.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, bn.nspname, b.relname) AS referenced) t
 ORDER BY p.pair
:end
