-- Existing relations with the names of new ones: one row for each name in :'names', in their order.
-- not null: relation, schema_exists, taken, too_long
SELECT format('%I.%I', w.schema, w.name)            AS relation,
       n.oid IS NOT NULL                            AS schema_exists,
       c.oid IS NOT NULL                            AS taken,
       octet_length(w.name) > current_setting('max_identifier_length')::int AS too_long
  FROM jsonb_array_elements(:'names'::jsonb) WITH ORDINALITY e(item, position)
 CROSS JOIN LATERAL jsonb_to_record(e.item) AS w(schema text, name text)
  LEFT JOIN pg_namespace n ON n.nspname = w.schema
  LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
 ORDER BY e.position;
