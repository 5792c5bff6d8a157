-- The pairs directly below one referencing parent, largest first: what the new one is named after, and which table the
-- referenced partitions belong to.
SELECT an.nspname AS referencing_schema, a.relname AS referencing_name,
       bn.nspname AS referenced_schema, b.relname AS referenced_name,
       pg_get_expr(a.relpartbound, a.oid) AS bound, bi.inhparent AS referenced_parent_oid
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
  JOIN pg_inherits ai ON ai.inhrelid = a.oid AND ai.inhparent = :'referencing_parent_oid'::oid
  JOIN pg_inherits bi ON bi.inhrelid = b.oid
 ORDER BY p.pair;
