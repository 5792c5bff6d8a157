-- Names and parents of partitions that have no partner.
-- not null: oid, schema, name, parent_oid
SELECT c.oid, n.nspname AS schema, c.relname AS name, i.inhparent AS parent_oid
  FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid)
  JOIN pg_class c ON c.oid = r.oid::oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_inherits i ON i.inhrelid = c.oid;
