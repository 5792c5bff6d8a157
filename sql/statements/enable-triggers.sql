-- Makes the triggers of a pair FK fire again. PostgreSQL lets only a superuser do that.
-- Lock: SHARE ROW EXCLUSIVE on the partition that the trigger is on, for milliseconds; lock-pair has taken it.
-- Blocked by: any writer of either leaf.
-- Safe because: it reads no row. Rows that were written meanwhile have not been checked, so their orphans are counted after it.
-- not null: pair, sql, lock
SELECT p.pair,
       format('ALTER TABLE ONLY %I.%I ENABLE %sTRIGGER %I', n.nspname, r.relname,
              CASE WHEN k.always THEN 'ALWAYS ' ELSE '' END, g.tgname) AS sql,
       'SHARE ROW EXCLUSIVE on the two partitions of the pair' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, constraint_oid oid)
  JOIN pg_trigger g ON g.tgconstraint = p.constraint_oid AND g.tgenabled <> 'A'
  JOIN pg_proc f ON f.oid = g.tgfoid
 CROSS JOIN LATERAL (
       SELECT :'firing'::jsonb @> jsonb_build_array(jsonb_build_object(
                'relation', g.tgrelid::bigint,
                'kind', CASE WHEN f.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(f.proname, 3))) AS always) k
  JOIN pg_class r ON r.oid = g.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE k.always OR g.tgenabled <> 'O'
 ORDER BY p.pair, n.nspname, r.relname, g.tgname;
