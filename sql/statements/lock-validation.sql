-- Takes the lock of a validation before it, so that the wait is measured separately from the scan.
-- Lock: SHARE UPDATE EXCLUSIVE on the referencing leaf. Blocks no reader and no writer, neither held nor waited for.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('LOCK TABLE ONLY %I.%I IN SHARE UPDATE EXCLUSIVE MODE', an.nspname, a.relname) AS sql,
       'SHARE UPDATE EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair
:end
