-- A constraint as the caller's own session prints it. Run it with the caller's search_path.
:begin
SELECT pg_catalog.pg_get_constraintdef(:'constraint_oid'::pg_catalog.oid) AS display_definition
:end
