-- Statements that a script of plan --sql needs and that no file of statements/ can write in advance, because those read what
-- exists at that moment. One row for each pair: the rollback drops what may exist, and no more.
-- not null: pair, drop_constraint, drop_index, validate_leaf, validate_parent
:begin
SELECT p.pair,
       format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', p.referencing, p.constraint_name) AS drop_constraint,
       format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname, p.index_name) AS drop_index,
       format('ALTER TABLE %s VALIDATE CONSTRAINT %I', p.referencing, coalesce(p.root_constraint, :'constraint_name'::text)) AS validate_leaf,
       format('ALTER TABLE %s VALIDATE CONSTRAINT %I', :'table'::text, :'constraint_name'::text) AS validate_parent
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referencing text, constraint_name text, index_name text, root_constraint text)
  JOIN pg_class c ON c.oid = p.referencing_oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 ORDER BY p.pair
:end
