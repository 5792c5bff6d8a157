-- Checks the existing rows of a pair and marks its FK as valid. Reads both partitions once, as one join.
-- Lock: SHARE UPDATE EXCLUSIVE on the referencing leaf, ROW SHARE on the referenced leaf.
-- Blocked by: VACUUM, ANALYZE, index builds and other DDL on the referencing leaf. Blocks no reader and no writer.
-- Safe because: it changes nothing but pg_constraint.convalidated; an orphan ends it with 23503.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', an.nspname, a.relname, p.constraint_name) AS sql,
       'SHARE UPDATE EXCLUSIVE on the referencing partition, ROW SHARE on the referenced one' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, constraint_name name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair
:end
