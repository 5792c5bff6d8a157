-- The table that a person's name for it means, written as in SQL; 0: there is none. With the schemas in which that name was
-- looked for, in their order. Run it with the caller's search_path; for that reason it does nothing else, and is qualified.
-- not null: table_oid, schemas
-- types: schemas string[]
:begin
SELECT COALESCE(pg_catalog.to_regclass(:'table'::pg_catalog.text)::pg_catalog.oid, 0) AS table_oid,
       pg_catalog.to_jsonb(pg_catalog.current_schemas(true)) AS schemas
:end
