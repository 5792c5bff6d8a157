-- The name of each pair FK after the parent FK is dropped, and the statements for it in the drop's transaction. One row for each
-- pair. `sql` gives it the name, NULL where it has it; `timing_sql` makes it INITIALLY IMMEDIATE, as the parent FK was, NULL
-- where it is (add-pair-foreign-key.sql explains why it may not be).
--
-- For a DEFERRABLE foreign key whose leaves are all in its table's schema the pair FKs take the parent FK's name: constraint
-- names are per table, and SET CONSTRAINTS finds every constraint of that name in the first schema of the search_path that has
-- one (https://www.postgresql.org/docs/current/sql-set-constraints.html). Otherwise the documented names stay. With the option
-- pairConstraintNames, `documented` never renames, `parent` always does. If a leaf has another constraint of that name, none is
-- renamed, because some leaves would follow SET CONSTRAINTS and others not.
-- Lock: ACCESS EXCLUSIVE on the referencing leaves, which the drop has taken.
-- Safe because: it changes names and timing in the catalog, and nothing else. It runs after the drop, which frees the names.
-- not null: pair, referencing_oid, referenced_oid, former_name, beside_root, constraint_name, lock
:begin
WITH RECURSIVE pair AS (
  SELECT p.pair, p.referencing_oid, p.referenced_oid, p.constraint_name, p.constraint_oid,
         an.nspname, a.relname, a.relnamespace = root.relnamespace AS beside_root
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_name name, constraint_oid oid)
    JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
    JOIN pg_class root ON root.oid = :'referencing_oid'::oid
), child AS (
  -- What goes with the parent FK does not stand in the way.
  SELECT nullif(:'constraint_oid'::text, '')::oid AS oid
  UNION ALL
  SELECT c.oid FROM child p JOIN pg_constraint c ON c.conparentid = p.oid
), verdict AS (
  SELECT :'constraint_name'::text <> ''
         AND CASE coalesce(:'options'::jsonb ->> 'pairConstraintNames', 'auto')
               WHEN 'documented' THEN false
               WHEN 'parent' THEN true
               ELSE :'actions'::text ~ ' DEFERRABLE( INITIALLY DEFERRED)?$' AND bool_and(beside_root)
             END
         AND NOT EXISTS (SELECT
                           FROM pair p
                           JOIN pg_constraint x ON x.conrelid = p.referencing_oid AND x.conname = :'constraint_name'::name
                          WHERE x.oid IS DISTINCT FROM p.constraint_oid AND x.oid NOT IN (SELECT c.oid FROM child c WHERE c.oid IS NOT NULL))
         AS renames
    FROM pair
)
SELECT p.pair, p.referencing_oid, p.referenced_oid, p.constraint_name AS former_name, p.beside_root,
       CASE WHEN v.renames THEN :'constraint_name'::name ELSE p.constraint_name END AS constraint_name,
       CASE WHEN v.renames AND p.constraint_name <> :'constraint_name'::name
            THEN format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', p.nspname, p.relname, p.constraint_name, :'constraint_name'::name)
       END AS sql,
       CASE WHEN :'actions'::text ~ ' DEFERRABLE$' AND coalesce((SELECT c.condeferred FROM pg_constraint c WHERE c.oid = p.constraint_oid), true)
            THEN format('ALTER TABLE %I.%I ALTER CONSTRAINT %I DEFERRABLE INITIALLY IMMEDIATE', p.nspname, p.relname,
                        CASE WHEN v.renames THEN :'constraint_name'::name ELSE p.constraint_name END)
       END AS timing_sql,
       'ACCESS EXCLUSIVE on the referencing partitions' AS lock
  FROM pair p
 CROSS JOIN verdict v
 ORDER BY p.pair
:end
