-- BEFORE UPDATE row triggers that sort after the row-movement guard on a referenced leaf: PostgreSQL runs them in the byte order
-- of their names, so such a trigger could change the key after the guard has checked it, and ON DELETE would act silently.
-- Whether it does cannot be known from outside; PostgreSQL's own trigger against redundant updates does not.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'trigger-after-guard' AS id, 'error' AS severity, false AS needs_acceptance,
       format('these BEFORE UPDATE triggers of %s run after the row-movement guard, and could still move a row to another partition: %s',
              :'referenced_table'::text, string_agg(x.name, ', ' ORDER BY x.name)) AS message,
       'rename them to names that begin with an ASCII letter or digit: ALTER TRIGGER ... ON ... RENAME TO ...' AS remedy
  FROM (SELECT format('%I (on %s)', g.tgname,
                      CASE count(*) WHEN 1 THEN min(format('%I.%I', n.nspname, c.relname)) ELSE count(*) || ' partitions' END) AS name
          FROM (SELECT DISTINCT p.referenced_oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referenced_oid oid)) leaf
          -- Not by tgisinternal: before 15 the copies of a table's trigger on its partitions have it, too. PostgreSQL's own are AFTER.
          JOIN pg_trigger g ON g.tgrelid = leaf.referenced_oid AND g.tgenabled <> 'D'
                           AND (g.tgtype & 19) = 19 AND g.tgname::text COLLATE "C" > '~p2pfk_row_movement_guard_'
          -- By schema and name: another role may have functions of these names.
          JOIN pg_proc f ON f.oid = g.tgfoid AND NOT (f.proname = 'suppress_redundant_updates_trigger' AND f.pronamespace = 'pg_catalog'::regnamespace)
                        AND NOT (f.proname = 'refuse_row_movement' AND coalesce(f.pronamespace = to_regnamespace('p2pfk'), false)
                                 AND g.tgname ~ '^~p2pfk_row_movement_guard_[0-9]+$')
          JOIN pg_class c ON c.oid = g.tgrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE (:'options'::jsonb -> 'rowMovementGuard')::boolean
           AND :'actions'::text ~ 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)'
         GROUP BY g.tgname) x
HAVING count(*) > 0
:end
