-- What decides whether an execution may begin long work on :'object', the oid of a table or constraint: its options as they are now, whether
-- a session runs a statement on that object already, and on how many others sessions of the same migration work. A row of p2pfk.running counts
-- while its key is held, so a function that died takes no place, and a statement that it left running does. `others` is counted only where
-- a limit is set.
-- not null: options, is_running, others
-- types: options MigrationOptions
:begin
SELECT m.options,
       EXISTS (SELECT FROM p2pfk.running r
                WHERE r.object = :'object'::oid AND r.migration_id = m.id AND p2pfk.key_holder(r.key) <> pg_backend_pid()) AS is_running,
       CASE WHEN m.options -> 'pace' -> 'throttle' IS NULL THEN 0
            ELSE (SELECT count(*) FROM p2pfk.running r
                   WHERE r.migration_id = m.id AND r.object <> :'object'::oid AND p2pfk.key_holder(r.key) IS NOT NULL) END::int AS others
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint
:end
