-- Validates one foreign key by its oid: a leaf's FK to the referenced parent (before 18), or the parent FK itself (18+).
-- Lock: SHARE UPDATE EXCLUSIVE on the referencing table and its partitions, ROW SHARE on the referenced ones.
-- Blocked by: VACUUM, ANALYZE and DDL on the referencing side. Blocks no reader and no writer.
-- not null: sql, lock, constraint_name
:begin
SELECT format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', n.nspname, t.relname, c.conname) AS sql,
       'SHARE UPDATE EXCLUSIVE on the referencing side, ROW SHARE on the referenced side' AS lock,
       c.conname AS constraint_name
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE c.oid = :'constraint_oid'::oid
:end
