-- The triggers of pair FKs, two on each side, as far as they are there; `fires`: neither disabled nor for replication only.
SELECT p.pair, g.tgname AS trigger, format('%I.%I', n.nspname, r.relname) AS relation, g.tgenabled IN ('O', 'A') AS fires
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, constraint_oid oid)
  JOIN pg_trigger g ON g.tgconstraint = p.constraint_oid
  JOIN pg_class r ON r.oid = g.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 ORDER BY p.pair, 3, 2;
