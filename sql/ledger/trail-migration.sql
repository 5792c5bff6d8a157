-- One migration as an auditor reads it: everything that the ledger has about it, and the server. Takes no lock on any table of
-- the application. Columns that a ledger of an older version may lack are read by name.
-- not null: id, table_name, referenced_name, constraint_name, definition, state, execution, role, options, started_at, updated_at,
--   database, server_version
-- types: state MigrationState, options TrailMigration['options'], plan RecordedPlan, rehearsal Rehearsal, verification Verification,
--   error NotedError, approved_options TrailMigration['options']
SELECT m.id::text AS id, m.table_name, m.referenced_name, m.constraint_name, m.definition, m.state, m.execution, m.role,
       m.options, to_jsonb(m) -> 'plan' AS plan, m.started_at, m.updated_at, m.approval_asked_at, m.approved_at, m.approved_by, m.rehearsal,
       to_jsonb(m) ->> 'started_by' AS started_by, to_jsonb(m) ->> 'reason' AS reason,
       to_jsonb(m) ->> 'approved_login' AS approved_login, to_jsonb(m) ->> 'approval_reason' AS approval_reason,
       to_jsonb(m) -> 'approved_options' AS approved_options,
       (to_jsonb(m) ->> 'approval_withdrawn_at')::timestamptz AS approval_withdrawn_at,
       to_jsonb(m) ->> 'approval_withdrawn_by' AS approval_withdrawn_by,
       to_jsonb(m) ->> 'approval_withdrawn_login' AS approval_withdrawn_login,
       to_jsonb(m) ->> 'approval_withdrawn_reason' AS approval_withdrawn_reason,
       m.fenced_at, m.dropped_at, m.finished_at, m.locked_ms, m.verification, m.error,
       (SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c
         WHERE c.conrelid = m.table_oid AND c.confrelid = m.referenced_oid AND c.contype = 'f'
           AND c.conparentid = 0 AND c.conname = m.constraint_name) AS standing_definition,
       current_database()::text AS database, current_setting('server_version') AS server_version
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint;
