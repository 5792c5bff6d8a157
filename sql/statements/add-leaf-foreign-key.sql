-- First half of the online rollback: an FK from one referencing leaf to the referenced PARENT, without looking at rows.
-- It has the name and the definition that the parent FK's own child had there, so that the parent FK can attach it.
-- Lock: SHARE ROW EXCLUSIVE on the referencing leaf, the referenced table and all of its partitions, for milliseconds.
-- Blocked by: any writer of these; the lock budget bounds the wait.
-- Safe because: NOT VALID scans nothing, and the pair FKs still cover every row.
:begin
SELECT p.pair,
       format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s NOT VALID',
              an.nspname, a.relname, coalesce(p.root_constraint, :'constraint_name'::name), :'definition'::text) AS sql,
       'SHARE ROW EXCLUSIVE on the referencing partition, the referenced table and its partitions' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_name name, index_name name, root_constraint name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair
:end
