-- Partitioned tables that may be meant by a name that leads to none: only those on which this role has a right. Those first whose
-- names are as long as the one that was written, because not all are compared.
-- not null: schema, name, ident
:begin
SELECT n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS ident
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'p' AND NOT c.relispartition AND NOT pg_is_other_temp_schema(n.oid)
   AND has_schema_privilege(n.oid, 'USAGE')
   AND (has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
 ORDER BY abs(length(c.relname) - :'length'::int), n.nspname, c.relname
 LIMIT 5000
:end
