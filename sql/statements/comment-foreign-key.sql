-- Restores the comment of the parent FK, or clears it.
-- Lock: ACCESS SHARE on the referencing table.
-- not null: sql, lock
-- may be null: comment
:begin
SELECT format('COMMENT ON CONSTRAINT %I ON %I.%I IS %L', :'constraint_name'::text, n.nspname, t.relname, :'comment'::text) AS sql,
       'ACCESS SHARE on the referencing table' AS lock
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE t.oid = :'referencing_oid'::oid
:end
