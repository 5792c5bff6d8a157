-- Foreign keys that have been migrated already, read from the catalog only: pair FKs of the table's leaves that reference leaves
-- of one partitioned table, one row for each shape. Run it with search_path = pg_catalog.
-- not null: referenced_oid, referenced_name, columns, referenced_columns, column_names, referenced_column_names, actions, pairs,
--   definition
-- types: column_names string[], referenced_column_names string[]
:begin
WITH RECURSIVE leaf AS (
  SELECT :'table_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM leaf l JOIN pg_inherits i ON i.inhparent = l.oid
), up AS (
  SELECT c.oid AS constraint_oid, c.confrelid AS relation, c.confrelid AS root
    FROM pg_constraint c
    JOIN leaf l ON l.oid = c.conrelid
    JOIN pg_class r ON r.oid = c.confrelid AND r.relispartition AND r.relkind = 'r'
   WHERE c.contype = 'f' AND c.conparentid = 0
  UNION ALL
  SELECT u.constraint_oid, u.relation, i.inhparent
    FROM up u JOIN pg_inherits i ON i.inhrelid = u.root
), pair_fk AS (
  SELECT u.root, c.oid, k.columns, k.referenced_columns, k.column_names, k.referenced_column_names,
         substr(regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', ''),
                length(format('FOREIGN KEY (%s) REFERENCES %s(%s)', k.columns, c.confrelid::regclass, k.referenced_columns)) + 1) AS actions
    FROM up u
    JOIN pg_class r ON r.oid = u.root AND NOT r.relispartition
    JOIN pg_constraint c ON c.oid = u.constraint_oid
   CROSS JOIN LATERAL (
         SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.n)  AS columns,
                string_agg(quote_ident(ra.attname), ', ' ORDER BY x.n) AS referenced_columns,
                jsonb_agg(a.attname ORDER BY x.n)                      AS column_names,
                jsonb_agg(ra.attname ORDER BY x.n)                     AS referenced_column_names
           FROM unnest(c.conkey, c.confkey) WITH ORDINALITY x(att, ratt, n)
           JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = x.att
           JOIN pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = x.ratt) k
)
SELECT root AS referenced_oid, root::regclass::text AS referenced_name, columns, referenced_columns,
       column_names, referenced_column_names, actions, count(*)::int AS pairs,
       format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', columns, root::regclass, referenced_columns, actions) AS definition
  FROM pair_fk
 GROUP BY root, columns, referenced_columns, column_names, referenced_column_names, actions
 ORDER BY count(*) DESC, root
:end
