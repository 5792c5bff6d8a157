-- Every foreign key of a referencing leaf itself, on the columns of the pair FKs, to any table in the referenced tree, and to
-- plain tables that may have been in it, because a pair FK stays when its partner is detached. `shaped`: it equals a pair FK in
-- everything except its target. Run it with search_path = pg_catalog.
-- not null: constraint_oid, constraint_name, referencing_oid, referencing, referenced_oid, referenced, referenced_kind, in_tree,
--   definition, shaped
WITH RECURSIVE referencing AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referencing t JOIN pg_inherits i ON i.inhparent = t.oid
), referenced AS (
  SELECT :'referenced_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referenced t JOIN pg_inherits i ON i.inhparent = t.oid
)
SELECT c.oid AS constraint_oid, c.conname AS constraint_name,
       c.conrelid AS referencing_oid, format('%I.%I', an.nspname, a.relname) AS referencing,
       c.confrelid AS referenced_oid, format('%I.%I', bn.nspname, b.relname) AS referenced,
       b.relkind AS referenced_kind, t.oid IS NOT NULL AS in_tree,
       d.definition, d.shaped
  FROM pg_constraint c
  JOIN referencing f ON f.oid = c.conrelid
  LEFT JOIN referenced t ON t.oid = c.confrelid
  JOIN pg_class a ON a.oid = c.conrelid AND a.relkind = 'r' JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = c.confrelid JOIN pg_namespace bn ON bn.oid = b.relnamespace
 CROSS JOIN LATERAL (SELECT regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')) x(definition)
 CROSS JOIN LATERAL (SELECT x.definition,
                            x.definition IN (
                              format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', :'columns'::text, c.confrelid::regclass,
                                     :'referenced_columns'::text, :'actions'::text),
                              -- As beside a DEFERRABLE parent FK (statements/add-pair-foreign-key.sql).
                              format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', :'columns'::text, c.confrelid::regclass,
                                     :'referenced_columns'::text,
                                     regexp_replace(:'actions'::text, ' DEFERRABLE$', ' DEFERRABLE INITIALLY DEFERRED'))) AS shaped) d
 WHERE c.contype = 'f' AND c.conparentid = 0
   AND (t.oid IS NOT NULL OR d.shaped AND b.relkind = 'r' AND NOT b.relispartition)
   AND (SELECT jsonb_agg(a.attname ORDER BY a.attname)
          FROM unnest(c.conkey) k(attnum) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum)
       = (SELECT jsonb_agg(e ORDER BY e COLLATE "C") FROM jsonb_array_elements_text(:'column_names'::jsonb) e)
 ORDER BY 4, 2;
