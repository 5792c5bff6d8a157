-- Takes the lock of create-row-movement-guard, where no pair FK is added with it, so that the wait is measured.
-- Lock: SHARE ROW EXCLUSIVE on the referenced leaf. Readers are not blocked.
-- Blocked by: any writer of the leaf. lock_timeout and statement_timeout limit the wait.
-- not null: pair, sql, lock
SELECT p.pair, format('LOCK TABLE ONLY %I.%I IN SHARE ROW EXCLUSIVE MODE', n.nspname, t.relname) AS sql,
       'SHARE ROW EXCLUSIVE on the referenced partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referenced_oid oid)
  JOIN pg_class t ON t.oid = p.referenced_oid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 ORDER BY p.pair;
