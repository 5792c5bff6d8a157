-- Takes all locks of the verified drop at once, or none: NOWAIT, so nobody ever queues behind us.
-- Lock: ACCESS EXCLUSIVE on both partitioned tables and all of their partitions (LOCK TABLE recurses).
-- Blocked by: any transaction that uses any partition; then refused at once with 55P03.
-- Safe because: it never waits. lock_timeout would not do: it counts per lock, and several slow readers add up.
:begin
SELECT format('LOCK TABLE %I.%I, %I.%I IN ACCESS EXCLUSIVE MODE NOWAIT',
              rn.nspname, r.relname, tn.nspname, t.relname) AS sql,
       'ACCESS EXCLUSIVE on both tables and all partitions, NOWAIT' AS lock
  FROM pg_class t
  JOIN pg_namespace tn ON tn.oid = t.relnamespace,
       pg_class r
  JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE t.oid = :'referencing_oid'::oid AND r.oid = :'referenced_oid'::oid
:end
