-- Takes the locks of drop-pair-foreign-key before it, so that the wait is measured, and bounded as one.
-- Lock: ACCESS EXCLUSIVE on the two leaf partitions of the pair, or on the referencing one where the other was dropped.
-- Blocked by: any transaction that uses either leaf. lock_timeout and statement_timeout bound the wait.
:begin
SELECT p.pair,
       format('LOCK TABLE ONLY %I.%I%s IN ACCESS EXCLUSIVE MODE', an.nspname, a.relname,
              CASE WHEN b.oid IS NOT NULL THEN format(', ONLY %I.%I', bn.nspname, b.relname) END) AS sql,
       'ACCESS EXCLUSIVE on the two partitions of the pair' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  LEFT JOIN pg_class b ON b.oid = p.referenced_oid LEFT JOIN pg_namespace bn ON bn.oid = b.relnamespace
 ORDER BY p.pair
:end
