-- Takes all locks of the verified drop. The first try is NOWAIT (`sql`): if the tables are idle it blocks no session. A busy
-- application always holds something, so every later try waits, in one of the orders in `ways` (lock-in-turns.sql).
-- Lock: ACCESS EXCLUSIVE on both partitioned tables and all of their partitions (LOCK TABLE recurses).
-- Blocked by: any transaction that uses any partition. Readers and writers of all of them queue behind a try that waits.
-- Safe because: the wait is limited as one (lock_timeout counts per lock, and several slow readers add up) and ends before
--   deadlock_timeout, so the application is never the victim of a deadlock with us.
-- Why three ways: a session that holds one table and needs the other waits for us while we wait for it. The first way solves that
--   for an application that only inserts and deletes: SHARE ROW EXCLUSIVE keeps new writers of the referenced table out, but lets
--   foreign key checks (ROW SHARE) read it, so every write that runs ends. It requests the last lock NOWAIT, again and again: a
--   session that waits to strengthen a lock makes PostgreSQL at once end another one that wants to strengthen its own. The other
--   two are for transactions that read a table before they write to it.
-- not null: sql, lock, ways
-- types: ways string[][]
:begin
SELECT format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE NOWAIT', n.referenced, n.referencing) AS sql,
       'ACCESS EXCLUSIVE on both tables and all partitions: NOWAIT first, then waiting within the lock budget' AS lock,
       CASE WHEN :'referencing_oid'::oid = :'referenced_oid'::oid
            THEN jsonb_build_array(jsonb_build_array(format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', n.referenced)))
            ELSE jsonb_build_array(
                   jsonb_build_array(format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', n.referenced),
                                     format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', n.referencing),
                                     format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', n.referenced)),
                   jsonb_build_array(format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', n.referenced, n.referencing)),
                   jsonb_build_array(format('LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE', n.referencing, n.referenced))) END AS ways
  FROM (SELECT format('%I.%I', rn.nspname, r.relname) AS referenced, format('%I.%I', tn.nspname, t.relname) AS referencing
          FROM pg_class t
          JOIN pg_namespace tn ON tn.oid = t.relnamespace,
               pg_class r
          JOIN pg_namespace rn ON rn.oid = r.relnamespace
         WHERE t.oid = :'referencing_oid'::oid AND r.oid = :'referenced_oid'::oid) n
:end
