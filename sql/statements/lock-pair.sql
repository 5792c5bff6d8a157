-- Takes the locks that adding or dropping a pair FK needs, before it: so the wait is measured, and limited as one. The referenced
-- leaf first: an INSERT that has locked the referencing one may still check its row there (ROW SHARE), and ends.
-- Lock: SHARE ROW EXCLUSIVE on the two leaf partitions of the pair, on nothing else.
-- Blocked by: any writer of either leaf (ROW EXCLUSIVE). Behind it in the queue wait: writers of these two leaves.
-- Safe because: lock_timeout and statement_timeout limit the wait, and the whole statement waits at most that long.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('LOCK TABLE ONLY %I.%I, ONLY %I.%I IN SHARE ROW EXCLUSIVE MODE',
              bn.nspname, b.relname, an.nspname, a.relname) AS sql,
       'SHARE ROW EXCLUSIVE on the two partitions of the pair' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
 ORDER BY p.pair
:end
