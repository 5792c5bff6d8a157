-- Sets the limit (:'part' throttle) or the hold (hold) of the execution that works on a migration, or takes it away where :'value' is null. When,
-- and by which login, the database writes. No row: another execution owns the migration by now, or there is no forward work left to slow down.
-- The drop locks this row when it reads the options under its locks (approval-of-drop.sql): a later UPDATE waits for it, and then finds
-- dropped_at. The options of the next execution take the place of these, so both end with their execution.
-- not null: id
-- may be null: value
UPDATE p2pfk.migration m
   SET options = m.options || jsonb_build_object('pace',
                   CASE WHEN jsonb_typeof(m.options -> 'pace') = 'object' THEN m.options -> 'pace' ELSE '{}' END - :'part'::text
                   || CASE WHEN :'value'::jsonb IS NULL THEN '{}'
                           ELSE jsonb_build_object(:'part'::text, :'value'::jsonb || jsonb_build_object('login', session_user,
                                  'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) END),
       updated_at = now()
 WHERE m.id = :'migration_id'::bigint AND m.execution = :'execution'::text AND m.state = 'running' AND m.fenced_at IS NULL
   AND m.dropped_at IS NULL
RETURNING m.id::text AS id;
