-- Makes the triggers of the parent FK, which a rollback has restored, fire ALWAYS where they did before (:'firing'), on the
-- tables themselves and on every partition. PostgreSQL lets only a superuser do that.
-- Lock: SHARE ROW EXCLUSIVE on each of these; the statement that restored the parent FK holds it or a stronger lock.
-- Safe because: it reads no row, and the parent FK is restored in the same transaction.
-- not null: sql, lock
:begin
WITH RECURSIVE derived AS (
  SELECT c.oid
    FROM pg_constraint c
   WHERE c.conrelid = :'referencing_oid'::oid AND c.confrelid = :'referenced_oid'::oid AND c.contype = 'f'
     AND c.conname = :'constraint_name'::name AND c.conparentid = 0
  UNION ALL
  SELECT c.oid FROM derived d JOIN pg_constraint c ON c.conparentid = d.oid
)
SELECT format('ALTER TABLE ONLY %I.%I ENABLE ALWAYS TRIGGER %I', n.nspname, r.relname, g.tgname) AS sql,
       'SHARE ROW EXCLUSIVE on both tables and all partitions' AS lock
  FROM derived d
  JOIN pg_trigger g ON g.tgconstraint = d.oid AND g.tgenabled = 'O'
  JOIN pg_proc f ON f.oid = g.tgfoid
  JOIN pg_class r ON r.oid = g.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE :'firing'::jsonb @> jsonb_build_array(jsonb_build_object(
         'relation', g.tgrelid::bigint,
         'kind', CASE WHEN f.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(f.proname, 3)))
 ORDER BY n.nspname, r.relname, g.tgname
:end
