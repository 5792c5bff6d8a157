-- Gives a pair FK the name that it had before the drop of the parent FK, in a rollback, so that the parent FK's name becomes
-- free. No row where the leaf has another constraint of that name by now.
-- Lock: ACCESS EXCLUSIVE on the referencing leaf, for milliseconds; lock-pair-for-drop has taken it.
-- Blocked by: any transaction that uses the leaf; the lock budget limits the wait.
-- Safe because: it changes a name in the catalog, and nothing else.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', an.nspname, a.relname, p.constraint_name, p.former_name) AS sql,
       'ACCESS EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, constraint_name name, former_name name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = p.referencing_oid AND c.conname = p.former_name)
 ORDER BY p.pair
:end
