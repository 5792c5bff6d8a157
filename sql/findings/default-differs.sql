-- SET DEFAULT writes the default of the table that the foreign key belongs to: with the parent FK the root's, with a pair FK the
-- leaf's own. Only the columns that an action sets are compared.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH action AS (
  -- Columns of ON DELETE SET DEFAULT (columns): 15+.
  SELECT unnest(coalesce((SELECT array_agg(e::int2) FROM jsonb_array_elements_text(CASE jsonb_typeof(to_jsonb(c) -> 'confdelsetcols') WHEN 'array' THEN to_jsonb(c) -> 'confdelsetcols' END) e), c.conkey)) AS attnum
    FROM pg_constraint c
   WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid AND c.confdeltype = 'd'
  UNION
  SELECT unnest(c.conkey)
    FROM pg_constraint c
   WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid AND c.confupdtype = 'd'
), value AS (
  SELECT p.pair, a.attname, format('%I.%I', n.nspname, t.relname) AS leaf,
         coalesce(pg_get_expr(rd.adbin, rd.adrelid), CASE WHEN a.attidentity <> '' THEN 'the next value of its identity' END, 'NULL') AS at_root,
         coalesce(pg_get_expr(ld.adbin, ld.adrelid), CASE WHEN l.attidentity <> '' THEN 'the next value of its identity' END, 'NULL') AS at_leaf
    FROM action x
    JOIN pg_attribute a ON a.attrelid = :'referencing_oid'::oid AND a.attnum = x.attnum
   CROSS JOIN jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid)
    JOIN pg_attribute l ON l.attrelid = p.referencing_oid AND l.attname = a.attname
    JOIN pg_class t ON t.oid = p.referencing_oid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    LEFT JOIN pg_attrdef rd ON rd.adrelid = a.attrelid AND rd.adnum = a.attnum
    LEFT JOIN pg_attrdef ld ON ld.adrelid = l.attrelid AND ld.adnum = l.attnum
), difference AS (
  SELECT v.*, row_number() OVER (ORDER BY pair, attname) AS n FROM value v WHERE at_root <> at_leaf
)
SELECT 'default-differs' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('SET DEFAULT will write the default of the partition, no longer that of %s, and they differ: %s%s', :'table'::text,
              string_agg(format('%I of %s is %s there and %s in the table', attname, leaf, at_leaf, at_root), '; ' ORDER BY n) FILTER (WHERE n <= 5),
              CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) ELSE '' END) AS message,
       'give the partitions the default of the table: '
         || string_agg(CASE at_root WHEN 'NULL' THEN format('ALTER TABLE %s ALTER %I DROP DEFAULT', leaf, attname)
                            WHEN 'the next value of its identity' THEN format('ALTER TABLE %s ALTER %I SET DEFAULT ...', leaf, attname)
                            ELSE format('ALTER TABLE %s ALTER %I SET DEFAULT %s', leaf, attname, at_root) END, '; ' ORDER BY n)
             FILTER (WHERE n <= 5) AS remedy
  FROM difference
HAVING count(*) > 0
:end
