-- Takes the locks of drop-pair-foreign-key before it, so that the wait is measured, and limited as one.
-- Lock: ACCESS EXCLUSIVE on the two leaf partitions of the pair, or on the referencing one where the other was dropped.
-- Blocked by: any transaction that uses either leaf. lock_timeout and statement_timeout limit the wait. A writer that holds one
--   leaf and needs the other may wait for us while we wait for it: hence the orders in `ways`, as in lock-tables.sql.
-- not null: pair, sql, lock, ways
-- types: ways string[][]
:begin
SELECT p.pair,
       format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', concat_ws(', ', n.referenced, n.referencing)) AS sql,
       'ACCESS EXCLUSIVE on the two partitions of the pair' AS lock,
       CASE WHEN n.referenced IS NULL OR p.referencing_oid = p.referenced_oid
            THEN jsonb_build_array(jsonb_build_array(format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', n.referencing)))
            ELSE jsonb_build_array(
                   jsonb_build_array(format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', n.referenced),
                                     format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', n.referencing),
                                     format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', n.referenced)),
                   jsonb_build_array(format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', n.referenced, n.referencing)),
                   jsonb_build_array(format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', n.referencing, n.referenced))) END AS ways
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  LEFT JOIN pg_class b ON b.oid = p.referenced_oid LEFT JOIN pg_namespace bn ON bn.oid = b.relnamespace
 CROSS JOIN LATERAL (SELECT CASE WHEN b.oid IS NOT NULL THEN format('ONLY %I.%I', bn.nspname, b.relname) END AS referenced,
                            format('ONLY %I.%I', an.nspname, a.relname) AS referencing) n
 ORDER BY p.pair
:end
