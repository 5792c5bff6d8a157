-- Triggers of the parent FK that have to fire ALWAYS when it is restored, as its pair FKs (:pairs) show: those on the partitions,
-- and those of the two tables themselves where every pair has that kind. In the form of catalog/foreign-key-shape.sql.
-- not null: firing
-- types: firing AlwaysFiring[]
WITH pair AS (
  SELECT p.* FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, constraint_oid oid) WHERE p.constraint_oid IS NOT NULL
), found AS (
  SELECT p.pair, g.tgrelid AS relation, r.kind
    FROM pair p
    JOIN pg_trigger g ON g.tgconstraint = p.constraint_oid AND g.tgenabled = 'A'
    JOIN pg_proc f ON f.oid = g.tgfoid
   CROSS JOIN LATERAL (SELECT CASE WHEN f.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(f.proname, 3)) r(kind)
), whole AS (
  SELECT CASE WHEN f.kind LIKE 'check %' THEN :'referencing_oid'::oid ELSE :'referenced_oid'::oid END AS relation, f.kind
    FROM found f
   GROUP BY f.kind
  HAVING count(DISTINCT f.pair) = (SELECT count(*) FROM pair)
)
SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('relation', x.relation::bigint, 'kind', x.kind)), '[]') AS firing
  FROM (SELECT relation, kind FROM found UNION SELECT relation, kind FROM whole) x;
