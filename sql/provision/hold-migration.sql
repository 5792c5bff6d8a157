-- Holds a migration as it is until our transaction ends: a rollback or another run, which would UPDATE the row, waits.
-- not null: state, execution
-- types: state MigrationState
SELECT m.state, m.execution FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint FOR SHARE;
