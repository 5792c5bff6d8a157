-- SET CONSTRAINTS with the parent FK's name: it finds the constraints of that name in the first schema of the search_path that
-- has one. It works as before only if all pair FKs take that name, in the schema of the table.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'set-constraints' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('%I is DEFERRABLE, and SET CONSTRAINTS %I will %s: %s', :'constraint_name'::text, :'constraint_name'::text,
              CASE WHEN bool_or(f.constraint_name = :'constraint_name'::text) THEN 'defer the foreign keys of one schema only' ELSE 'fail' END,
              CASE WHEN NOT bool_and(f.beside_root) THEN format('partitions of %s are in other schemas', :'table'::text)
                   WHEN :'options'::jsonb ->> 'pairConstraintNames' = 'documented' THEN 'the foreign keys of the pairs keep their own names'
                   ELSE 'some partition has another constraint of that name' END) AS message,
       'use SET CONSTRAINTS ALL DEFERRED in the application' AS remedy
  FROM jsonb_to_recordset(:'final_names'::jsonb) AS f(constraint_name text, beside_root boolean)
 WHERE nullif(:'constraint_oid'::text, '') IS NOT NULL AND :'actions'::text ~ ' DEFERRABLE( INITIALLY DEFERRED)?$'
HAVING NOT bool_and(f.beside_root AND f.constraint_name = :'constraint_name'::text)
:end
