-- The present name of a table, schema-qualified, and of a constraint, each quoted where needed. No row: the table does not exist
-- any more.
-- not null: table, constraint
:begin
SELECT format('%I.%I', n.nspname, c.relname) AS "table", format('%I', :'constraint_name'::text) AS constraint
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = :'table_oid'::oid
:end
