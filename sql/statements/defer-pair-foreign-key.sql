-- Makes a pair FK INITIALLY DEFERRED that gives up the parent FK's name in a rollback: SET CONSTRAINTS with that name does not
-- affect it any more, and the FK to the referenced parent, which takes the name, checks as early as the parent FK did. No row
-- where the timing does not matter (not DEFERRABLE, or INITIALLY DEFERRED anyway), or where the pair FK was added by a person and
-- stays.
-- Lock: ACCESS EXCLUSIVE on the referencing leaf, for milliseconds; lock-pair-for-drop has taken it.
-- Blocked by: any transaction that uses the leaf; the lock budget limits the wait.
-- Safe because: it is checked at COMMIT at the latest, and is dropped before the rollback ends.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('ALTER TABLE %I.%I ALTER CONSTRAINT %I DEFERRABLE INITIALLY DEFERRED', an.nspname, a.relname, p.constraint_name) AS sql,
       'ACCESS EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, constraint_name name, constraint_added boolean)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 WHERE p.constraint_added AND :'actions'::text ~ ' DEFERRABLE$'
 ORDER BY p.pair
:end
