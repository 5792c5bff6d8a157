-- The name of a table now, schema-qualified, and of a constraint, each quoted where needed; no row: the table is gone.
-- not null: table, constraint
:begin
SELECT format('%I.%I', n.nspname, c.relname) AS "table", format('%I', :'constraint_name'::text) AS constraint
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = :'table_oid'::oid
:end
