-- The existing triggers of pair FKs, which should be two on each side. `fires`: neither disabled nor for replication only, and
-- ALWAYS where the parent FK's trigger did (:'firing').
-- not null: pair, trigger, relation, fires
SELECT p.pair, g.tgname AS trigger, format('%I.%I', n.nspname, r.relname) AS relation,
       g.tgenabled = 'A'
         OR g.tgenabled = 'O'
            AND NOT :'firing'::jsonb @> jsonb_build_array(jsonb_build_object(
                  'relation', g.tgrelid::bigint,
                  'kind', CASE WHEN f.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(f.proname, 3))) AS fires
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, constraint_oid oid)
  JOIN pg_trigger g ON g.tgconstraint = p.constraint_oid
  JOIN pg_proc f ON f.oid = g.tgfoid
  JOIN pg_class r ON r.oid = g.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 ORDER BY p.pair, 3, 2;
