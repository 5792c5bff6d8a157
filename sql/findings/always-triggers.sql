-- Triggers of the parent FK that fire ALWAYS, where this role may not give the pair FKs the same: only a superuser may.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'always-triggers' AS id, 'error' AS severity, false AS needs_acceptance,
       format('triggers of the foreign key fire ALWAYS, on %s, and role %s may not give pair foreign keys the same mode: only a superuser changes the triggers of a foreign key',
              string_agg(DISTINCT format('%I.%I', n.nspname, c.relname), ', ' ORDER BY format('%I.%I', n.nspname, c.relname)), current_user) AS message,
       'migrate as a superuser, or let a superuser make them fire as usual: ALTER TABLE ... ENABLE TRIGGER ALL' AS remedy
  FROM jsonb_to_recordset(:'firing'::jsonb) AS f(relation oid)
  JOIN pg_class c ON c.oid = f.relation
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE current_setting('is_superuser') <> 'on'
HAVING count(*) > 0
:end
