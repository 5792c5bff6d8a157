-- Gives the parent FK's own child on a referencing leaf the name that it had there (root_constraint), in place of its present one
-- (constraint_name). A parent FK that finds nothing to attach (the blocking strategy) names its children after itself; a
-- partition that was attached with its own foreign key had another name.
-- Lock: ACCESS EXCLUSIVE on the referencing leaf, for milliseconds; lock-pair-for-drop has taken it.
-- Blocked by: any transaction that uses the leaf; the lock budget limits the wait.
-- Safe because: it changes a name in the catalog, and nothing else.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', an.nspname, a.relname, p.constraint_name, p.root_constraint) AS sql,
       'ACCESS EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, constraint_name name, root_constraint name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair
:end
