-- A partition that was just made, by its schema and name.
-- not null: oid, bound
SELECT c.oid, pg_get_expr(c.relpartbound, c.oid) AS bound
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = :'schema'::text AND c.relname = :'name'::text;
