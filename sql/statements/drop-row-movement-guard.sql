-- Drops the guard that this migration made; no row: it does not stand. PostgreSQL drops its clones with it.
-- Lock: ACCESS EXCLUSIVE on the referenced table and its partitions, for milliseconds.
-- Blocked by: any transaction that uses any of them; the lock budget bounds the wait.
-- Safe because: it runs in a rollback, while the parent FK stands.
:begin
SELECT format('DROP TRIGGER %I ON %I.%I', g.tgname, n.nspname, t.relname) AS sql,
       'ACCESS EXCLUSIVE on the referenced table and its partitions' AS lock
  FROM pg_trigger g
  JOIN pg_class t ON t.oid = g.tgrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE g.tgrelid = :'referenced_oid'::oid AND g.tgname = 'p2pfk_row_movement_guard_' || :'migration_id'::text
:end
