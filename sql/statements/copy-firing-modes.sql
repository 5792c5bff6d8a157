-- Makes triggers of a pair FK fire ALWAYS where those of the parent FK do. PostgreSQL lets only a superuser do that.
-- Lock: SHARE ROW EXCLUSIVE on the partition that the trigger is on, for milliseconds; lock-pair has taken it.
-- Blocked by: any writer of either leaf.
-- Safe because: it reads no row, and what fired before fires after it.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('ALTER TABLE ONLY %I.%I ENABLE ALWAYS TRIGGER %I', n.nspname, r.relname, g.tgname) AS sql,
       'SHARE ROW EXCLUSIVE on the two partitions of the pair' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, constraint_oid oid)
  JOIN pg_trigger g ON g.tgconstraint = p.constraint_oid AND g.tgenabled = 'O'
  JOIN pg_proc f ON f.oid = g.tgfoid
  JOIN pg_class r ON r.oid = g.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE :'firing'::jsonb @> jsonb_build_array(jsonb_build_object(
         'relation', g.tgrelid::bigint,
         'kind', CASE WHEN f.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(f.proname, 3)))
 ORDER BY p.pair, n.nspname, r.relname, g.tgname
:end
