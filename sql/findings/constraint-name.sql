-- Which constraint an error 23503 names after the migration.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'constraint-name' AS id, 'info' AS severity, false AS needs_acceptance,
       format('after the migration an error 23503 names the foreign key of the partition, such as %I, and not %I',
              min(f.constraint_name) , :'constraint_name'::text) AS message,
       'recognise the error by its code, 23503; or keep the name with: --pair-constraint-names parent' AS remedy
  FROM jsonb_to_recordset(:'final_names'::jsonb) AS f(constraint_name text)
 WHERE f.constraint_name <> :'constraint_name'::text AND nullif(:'constraint_oid'::text, '') IS NOT NULL
HAVING count(*) > 0
:end
