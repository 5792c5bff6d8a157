-- Given partitions, two at a time, as pairs: the same columns as in catalog/pairs.sql, numbered later.
-- not null: pair, referencing_oid, referencing, referencing_kind, referenced_oid, referenced, referenced_kind, bound, rows, bytes
:begin
SELECT 0                                                           AS pair,
       a.oid                                                       AS referencing_oid,
       format('%I.%I', an.nspname, a.relname)                      AS referencing,
       a.relkind                                                   AS referencing_kind,
       b.oid                                                       AS referenced_oid,
       format('%I.%I', bn.nspname, b.relname)                      AS referenced,
       b.relkind                                                   AS referenced_kind,
       pg_get_expr(a.relpartbound, a.oid)                          AS bound,
       round(least(greatest(CASE WHEN a.reltuples >= 0 THEN a.reltuples::float8 ELSE pg_stat_get_live_tuples(a.oid) END, 0), 1e13)) AS rows,
       pg_relation_size(a.oid)::float8                             AS bytes
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
 ORDER BY a.oid
:end
