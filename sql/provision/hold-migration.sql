-- Locks a migration's row until our transaction ends: a rollback or another execution, which would UPDATE the row, waits.
-- not null: state, execution
-- types: state MigrationState
SELECT m.state, m.execution FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint FOR SHARE;
