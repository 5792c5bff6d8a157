-- The tables that this session has locked so that a writer or reader waits (SHARE and stronger), except those that its
-- transaction has created, which no other session can see. A statement may lock more than its text shows: ATTACH PARTITION locks
-- the tables at the other end of foreign keys, and an event trigger runs code of the application.
--
-- A table is new if our own transaction, or a subtransaction of it, made its row for the system column ctid, which is never
-- updated: each holds a lock on its number until it ends.
-- not null: lock
WITH own AS MATERIALIZED (
  SELECT l.locktype, l.relation, l.database, l.mode, l.transactionid
    FROM pg_locks l
   WHERE l.pid = pg_backend_pid() AND l.granted
)
SELECT format('%s on %I.%I', o.mode, n.nspname, c.relname) AS lock
  FROM own o
  JOIN pg_class c ON c.oid = o.relation AND c.relkind IN ('r', 'p', 'f', 'm', 'v')
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE o.locktype = 'relation'
   AND o.database IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
   AND o.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
   AND NOT EXISTS (SELECT FROM pg_attribute a JOIN own t ON t.locktype = 'transactionid' AND t.transactionid = a.xmin
                    WHERE a.attrelid = c.oid AND a.attnum = -1)
 ORDER BY 1
