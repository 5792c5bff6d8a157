-- Takes the locks for dropping a leaf's foreign key to the whole referenced table. As in lock-tables.sql: the first try is
-- NOWAIT, later ones wait in one of the orders in `ways`.
-- Lock: ACCESS EXCLUSIVE on one referencing leaf, the referenced table and all of its partitions.
-- Blocked by: any transaction that uses any of them. Readers and writers of all of them queue behind a try that waits.
-- Safe because: the wait is limited as one, within the lock budget and shorter than deadlock_timeout.
-- not null: pair, sql, lock, ways
-- types: ways string[][]
SELECT p.pair,
       format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE NOWAIT', n.referencing, n.referenced) AS sql,
       'ACCESS EXCLUSIVE on the referencing partition, the referenced table and its partitions: NOWAIT first, then waiting within the lock budget' AS lock,
       jsonb_build_array(
         jsonb_build_array(format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', n.referenced),
                           format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', n.referencing),
                           format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', n.referenced)),
         jsonb_build_array(format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', n.referenced, n.referencing)),
         jsonb_build_array(format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', n.referencing, n.referenced))) AS ways
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
 CROSS JOIN LATERAL (SELECT format('%I.%I', bn.nspname, b.relname) AS referenced, format('ONLY %I.%I', an.nspname, a.relname) AS referencing) n
 ORDER BY p.pair;
