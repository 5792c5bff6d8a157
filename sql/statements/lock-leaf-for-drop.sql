-- Takes the locks for dropping a leaf's foreign key to the referenced table as a whole, at once or not at all: NOWAIT, so
-- nobody ever queues behind us.
-- Lock: ACCESS EXCLUSIVE on one referencing leaf, the referenced table and all of its partitions.
-- Blocked by: any transaction that uses any of them; then refused at once with 55P03.
SELECT p.pair,
       format('LOCK TABLE ONLY %I.%I, %I.%I IN ACCESS EXCLUSIVE MODE NOWAIT', an.nspname, a.relname, bn.nspname, b.relname) AS sql,
       'ACCESS EXCLUSIVE on the referencing partition, the referenced table and its partitions, NOWAIT' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
 ORDER BY p.pair;
