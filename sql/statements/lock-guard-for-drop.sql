-- Takes the locks of drop-row-movement-guard before it, so that the wait is measured, and limited as one.
-- Lock: ACCESS EXCLUSIVE on the referenced leaf; for an older guard, on the referenced table and its partitions.
-- Blocked by: any transaction that uses any of them. lock_timeout and statement_timeout limit the wait.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('LOCK TABLE %s%I.%I IN ACCESS EXCLUSIVE MODE', CASE t.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, n.nspname, t.relname) AS sql,
       CASE t.relkind WHEN 'p' THEN 'ACCESS EXCLUSIVE on the referenced table and its partitions'
                      ELSE 'ACCESS EXCLUSIVE on the referenced partition' END AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referenced_oid oid)
  JOIN pg_class t ON t.oid = p.referenced_oid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 ORDER BY p.pair
:end
