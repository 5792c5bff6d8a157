-- For each table on which an ordinary autovacuum works, the lock whose wait makes PostgreSQL cancel it: after deadlock_timeout
-- the waiting session sends the signal itself, which needs no right (pg_cancel_backend would: a superuser, or from 18 on
-- pg_signal_autovacuum_worker). One that prevents wraparound is never cancelled.
-- Lock: SHARE UPDATE EXCLUSIVE on one table, alone in its transaction, and released at once.
-- Blocked by: VACUUM, ANALYZE, index builds and other DDL of that table.
-- Safe because: neither held nor waited for does it block a reader or a writer, so its wait may be longer than the lock budget. A
--   session that queues behind it could not work beside the autovacuum either.
-- not null: sql, lock
:begin
SELECT format('LOCK TABLE ONLY %I.%I IN SHARE UPDATE EXCLUSIVE MODE', n.nspname, c.relname) AS sql,
       'SHARE UPDATE EXCLUSIVE on the table that an autovacuum works on' AS lock
  FROM (SELECT DISTINCT r.oid::oid AS oid FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid)) r
  JOIN pg_class c ON c.oid = r.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r'
 ORDER BY c.oid
:end
