-- The oid of a relation by its schema and name; no row: there is none.
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = :'schema'::text AND c.relname = :'name'::text;
