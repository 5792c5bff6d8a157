-- The migrations of one table that are not rolled back: at most one for each constraint.
-- not null: id, table_oid, table_name, referenced_oid, referenced_name, constraint_name, definition, columns, referenced_columns,
--   column_names, referenced_column_names, actions, state, execution, options, role, started_at, updated_at, lease_until, firing
-- types: column_names string[], referenced_column_names string[], state MigrationState, options MigrationOptions, rehearsal Rehearsal,
--   verification Verification, error NotedError, plan RecordedPlan, firing AlwaysFiring[],
--   approved_options KeptOptions
:begin
SELECT m.*, m.id::text AS id, m.started_at::text AS started_at,
       -- By name, because a ledger of an older edition has no such column.
       coalesce(to_jsonb(m) -> 'firing', '[]') AS firing,
       -- Under the name that the referenced table has now: another table may have got the one that it had.
       coalesce(w.name, m.referenced_name) AS referenced_name,
       CASE WHEN w.name IS NOT NULL AND starts_with(m.definition, w.before)
            THEN format('FOREIGN KEY (%s) REFERENCES %s(', m.columns, w.name) || substr(m.definition, length(w.before) + 1)
            ELSE m.definition END AS definition
  FROM p2pfk.migration m
  LEFT JOIN LATERAL (SELECT format('%I.%I', n.nspname, r.relname) AS name, format('FOREIGN KEY (%s) REFERENCES %s(', m.columns, m.referenced_name) AS before
                       FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = m.referenced_oid) w ON true
 WHERE m.table_oid = :'table_oid'::oid AND m.state <> 'rolled-back'
 ORDER BY m.id
:end
