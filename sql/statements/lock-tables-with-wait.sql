-- Takes all locks of the verified drop with a wait long enough to make PostgreSQL cancel an ordinary autovacuum.
-- Lock: ACCESS EXCLUSIVE on both partitioned tables and all of their partitions (LOCK TABLE recurses).
-- Blocked by: any transaction that uses any partition. Behind it in the queue wait readers and writers of all of them.
-- Safe because: lock_timeout and statement_timeout, both the lock budget, bound the wait of the whole statement.
SELECT format('LOCK TABLE %I.%I, %I.%I IN ACCESS EXCLUSIVE MODE',
              rn.nspname, r.relname, tn.nspname, t.relname) AS sql,
       'ACCESS EXCLUSIVE on both tables and all partitions' AS lock
  FROM pg_class t
  JOIN pg_namespace tn ON tn.oid = t.relnamespace,
       pg_class r
  JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE t.oid = :'referencing_oid'::oid AND r.oid = :'referenced_oid'::oid;
