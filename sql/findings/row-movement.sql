-- The past and future effect of an UPDATE of the referenced table that moves a row to another partition. From the first pair FK
-- on, such an UPDATE runs the ON DELETE action of that pair FK (a row that moves is deleted from its partition and inserted into
-- another): CASCADE, SET NULL and SET DEFAULT would act silently, so a guard refuses the UPDATE; NO ACTION and RESTRICT refuse it
-- by themselves if the row is still referenced. Tried for every pair of actions on 13 and 18; before 15 the parent FK does the
-- same.
--
-- Needs acceptance where an UPDATE that works today will fail: from 15 on the parent FK runs ON UPDATE on the referencing rows,
-- and a DEFERRABLE one lets the application move them in the same transaction. If the FK is neither, a referenced row cannot move
-- today (15+) or loses its referencing rows (13, 14); only rows without any could move, and cannot with the guard.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH fk AS (
  SELECT substring(:'actions'::text FROM 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)')                AS silent,
         coalesce(substring(:'actions'::text FROM 'ON DELETE (RESTRICT)'), 'NO ACTION')             AS refusing,
         substring(:'actions'::text FROM 'ON UPDATE (CASCADE|SET NULL|SET DEFAULT)')                AS on_update,
         :'actions'::text ~ '(^| )DEFERRABLE'                                                       AS is_deferrable,
         coalesce((:'options'::jsonb -> 'rowMovementGuard')::boolean, true)                         AS guarded,
         current_setting('server_version_num')::int >= 150000                                       AS moves_as_update
)
SELECT 'row-movement' AS id, 'warning' AS severity, is_deferrable OR on_update IS NOT NULL AS needs_acceptance,
       format('after the migration an UPDATE of %s that moves a row to another partition is refused, by a trigger, and already from the first pair foreign key on, whether the row is referenced or not: with pair foreign keys it would run ON DELETE %s on the referencing rows',
              :'referenced_table'::text, silent)
         || CASE WHEN on_update IS NOT NULL AND moves_as_update THEN format('; today ON UPDATE %s carries it out', on_update)
                 WHEN is_deferrable THEN '; today a transaction can move the referencing rows too, as the foreign key is DEFERRABLE'
                 ELSE '' END AS message,
       'delete such a row and insert it again; --no-row-movement-guard (psql: -v row_movement_guard=off) leaves the trigger out' AS remedy
  FROM fk WHERE silent IS NOT NULL AND guarded
UNION ALL
SELECT 'row-movement', 'warning', true,
       format('after the migration, and already from the first pair foreign key on, an UPDATE of %s that moves a row to another partition silently runs ON DELETE %s on its referencing rows, because --no-row-movement-guard was given',
              :'referenced_table'::text, silent),
       'never UPDATE the partition key of a referenced row; or leave --no-row-movement-guard out'
  FROM fk WHERE silent IS NOT NULL AND NOT guarded
UNION ALL
SELECT 'row-movement', 'warning', true,
       format('after the migration, and already from the first pair foreign key on, ON DELETE RESTRICT refuses an UPDATE of %s that moves a referenced row to another partition; today a transaction can move the referencing rows too, as the foreign key is DEFERRABLE',
              :'referenced_table'::text),
       'move the referencing rows first in such a transaction, with SET CONSTRAINTS ... DEFERRED'
  FROM fk WHERE silent IS NULL AND refusing = 'RESTRICT' AND is_deferrable AND on_update IS NULL AND moves_as_update
UNION ALL
SELECT 'update-across-partitions', 'warning', silent IS NULL AND moves_as_update,
       format('ON UPDATE does not follow a row of %s to another partition after the migration: it acts inside a pair only', :'referenced_table'::text)
         || CASE WHEN silent IS NULL AND moves_as_update
                 THEN format('; an UPDATE that moves a referenced row, which ON UPDATE %s carries out today, is refused (ON DELETE %s)', on_update, refusing)
                 ELSE '' END,
       'do not rely on ON UPDATE for changes of the partition key'
  FROM fk WHERE on_update IS NOT NULL
:end
