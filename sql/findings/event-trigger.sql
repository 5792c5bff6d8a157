-- Event triggers of the database that fire for statements of the migration or of its rollback. One that raises an error would
-- otherwise be noticed only after the indexes were built; its work takes time under our locks. Those of extensions are left out.
-- Whether one raises an error cannot be known from outside: its source text gives a hint, which makes it a warning.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH fired AS (
  SELECT e.evtname, e.evtenabled, e.evtevent, f.prosrc, format('%I.%I', n.nspname, f.proname) AS function,
         ARRAY(SELECT t.tag FROM unnest(ARRAY['ALTER TABLE', 'COMMENT', 'CREATE FUNCTION', 'CREATE INDEX', 'CREATE SCHEMA', 'CREATE TABLE',
                                              'CREATE TRIGGER', 'CREATE VIEW', 'DROP INDEX', 'DROP TRIGGER']) WITH ORDINALITY t(tag, n)
                WHERE (e.evttags IS NULL OR t.tag = ANY (e.evttags))
                  AND (e.evtevent <> 'sql_drop' OR t.tag IN ('ALTER TABLE', 'DROP INDEX', 'DROP TRIGGER'))
                ORDER BY t.n) AS tags
    FROM pg_event_trigger e
    JOIN pg_proc f ON f.oid = e.evtfoid
    JOIN pg_namespace n ON n.oid = f.pronamespace
   WHERE e.evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop') AND e.evtenabled IN ('O', 'A')
         -- 17+: off switches all of them off.
     AND coalesce(current_setting('event_triggers', true), 'on') = 'on'
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.deptype = 'e' AND (d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid
                                              OR d.classid = 'pg_proc'::regclass AND d.objid = f.oid))
), described AS (
  SELECT quote_ident(f.evtname) AS name, f.evtenabled, f.prosrc ~* '\mraise\s+(exception|sqlstate|'')' AS raises,
         format('%I (%s%s, function %s)', f.evtname, f.evtevent,
                CASE WHEN cardinality(f.tags) < 10 AND f.evtevent <> 'sql_drop' THEN ' of ' || array_to_string(f.tags, ', ') ELSE '' END,
                f.function) AS description
    FROM fired f
   WHERE cardinality(f.tags) > 0
)
SELECT 'event-trigger' AS id, CASE WHEN bool_or(raises) THEN 'warning' ELSE 'info' END AS severity, false AS needs_acceptance,
       format('event triggers fire for statements of the migration: %s; if one raises an error, the step fails and the migration is rolled back, and the time that one takes counts against the lock budget%s',
              string_agg(description, ', ' ORDER BY name),
              '; the source of ' || string_agg(name, ', ' ORDER BY name) FILTER (WHERE raises) || ' contains RAISE EXCEPTION') AS message,
       format('see that they let the role that migrates pass; or, as a superuser, disable them until the migration has ended: %s; afterwards: %s',
              string_agg(format('ALTER EVENT TRIGGER %s DISABLE', name), '; ' ORDER BY name),
              string_agg(format('ALTER EVENT TRIGGER %s ENABLE%s', name, CASE evtenabled WHEN 'A' THEN ' ALWAYS' ELSE '' END), '; ' ORDER BY name)) AS remedy
  FROM described
HAVING count(*) > 0
:end
