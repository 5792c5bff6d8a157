-- Triggers with the names that the row-movement guards of a new migration will have (:'guard_number', its number; empty where it
-- has begun, and AddForeignKeys examines each). None of them is a guard, even if it calls the guard's function: any role with
-- TRIGGER on a partition can make one that never refuses anything.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'guard-name-taken' AS id, 'error' AS severity, false AS needs_acceptance,
       format('these triggers have the name of the row-movement guard that this migration would make, and are none: %s', string_agg(x.name, ', ' ORDER BY x.name)) AS message,
       'drop them (a role with the privilege TRIGGER can have made them): DROP TRIGGER ... ON ...' AS remedy
  FROM (SELECT format('%I (on %s)', g.tgname,
                      CASE count(*) WHEN 1 THEN min(format('%I.%I', n.nspname, c.relname)) ELSE count(*) || ' partitions' END) AS name
          FROM (SELECT DISTINCT p.referenced_oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referenced_oid oid)) leaf
          JOIN pg_trigger g ON g.tgrelid = leaf.referenced_oid
                           AND g.tgname IN (('~p2pfk_row_movement_guard_' || :'guard_number'::text)::name, ('p2pfk_row_movement_guard_' || :'guard_number'::text)::name)
          JOIN pg_class c ON c.oid = g.tgrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE :'guard_number'::text <> ''
           AND (:'options'::jsonb -> 'rowMovementGuard')::boolean
           AND :'actions'::text ~ 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)'
         GROUP BY g.tgname) x
HAVING count(*) > 0
:end
