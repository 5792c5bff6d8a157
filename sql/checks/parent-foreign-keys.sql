-- Parent-level foreign keys of the same shape that still exist: on the partitioned table itself, or from one of its leaves to the
-- whole referenced table. `definition` is pg_get_constraintdef with search_path = pg_catalog.
-- not null: oid, name, relation, relation_oid, on_root, definition, validated
:begin
WITH RECURSIVE tree AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
)
SELECT c.oid, c.conname AS name, format('%I.%I', n.nspname, r.relname) AS relation, c.conrelid AS relation_oid,
       c.conrelid = :'referencing_oid'::oid           AS on_root,
       pg_get_constraintdef(c.oid)                    AS definition,
       -- One that is NOT ENFORCED (18+) has nothing to validate.
       c.convalidated OR NOT coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) AS validated,
       obj_description(c.oid, 'pg_constraint')        AS comment
  FROM pg_constraint c
  JOIN tree t ON t.oid = c.conrelid
  JOIN pg_class r ON r.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid = :'referenced_oid'::oid
   AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') = :'definition'::text
 ORDER BY on_root DESC, c.conname
:end
