-- Drops foreign keys that a referencing leaf should not have: to another partition than its partner, of another shape than the
-- pair FKs, or to the whole referenced table.
-- Lock: ACCESS EXCLUSIVE on the two relations, for milliseconds; taken before it.
-- Blocked by: any transaction that uses either; the lock budget limits the wait.
-- Safe because: the right pair FK is added before, or in the same transaction.
-- not null: pair, sql, lock
SELECT p.pair,
       format('ALTER TABLE %I.%I DROP CONSTRAINT %I', an.nspname, a.relname, c.conname) AS sql,
       'ACCESS EXCLUSIVE on the two relations' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, constraint_oid oid)
  JOIN pg_constraint c ON c.oid = p.constraint_oid
  JOIN pg_class a ON a.oid = c.conrelid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair;
