-- Triggers of the parent FK that do not fire: DISABLED, or only on a replica. Rows have not been checked since, and a rollback
-- could not restore the parent FK in that mode without leaving rows unchecked again.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE derived AS (
  SELECT nullif(:'constraint_oid'::text, '')::oid AS oid
  UNION ALL
  SELECT c.oid FROM derived d JOIN pg_constraint c ON c.conparentid = d.oid
), found AS (
  SELECT format('%I.%I (%I)', n.nspname, r.relname, g.tgname) AS name
    FROM derived d
   -- OFFSET 0: by the index. The planner expects hardly any disabled trigger, and would look for it among all triggers of the database.
   CROSS JOIN LATERAL (SELECT t.tgname, t.tgrelid, t.tgenabled FROM pg_trigger t WHERE t.tgconstraint = d.oid OFFSET 0) g
    JOIN pg_class r ON r.oid = g.tgrelid
    JOIN pg_namespace n ON n.oid = r.relnamespace
   WHERE g.tgenabled NOT IN ('O', 'A')
)
SELECT 'disabled-trigger' AS id, 'error' AS severity, false AS needs_acceptance,
       format('%s trigger(s) of the foreign key are disabled, or fire for a replica only: %s%s; rows written meanwhile were not checked, and are not checked now',
              count(*), array_to_string((array_agg(name ORDER BY name))[1:5], ', '), CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) ELSE '' END) AS message,
       'as a superuser: ALTER TABLE ... ENABLE TRIGGER ALL; the validation then finds the orphans that came in' AS remedy
  FROM found
HAVING count(*) > 0
:end
