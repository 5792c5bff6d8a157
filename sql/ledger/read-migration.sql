-- One migration of a ledger that belongs to this database (a copy, ledger-copy.sql, does not), and whether its parent FK exists
-- now, which is read from the catalog. Found by the whole key of pg_constraint's index (contypid = 0: a table's), because the
-- parent FK has as many children on that table as there are pairs.
-- not null: id, table_oid, table_name, referenced_oid, referenced_name, constraint_name, definition, columns, referenced_columns,
--   column_names, referenced_column_names, actions, state, execution, options, role, started_at, updated_at, lease_until, firing,
--   window_closed
-- types: column_names string[], referenced_column_names string[], state MigrationState, options MigrationOptions, rehearsal Rehearsal,
--   verification Verification, error NotedError, plan RecordedPlan, firing AlwaysFiring[],
--   approved_options KeptOptions
SELECT m.*, m.id::text AS id,
       -- By name, because a ledger of an older edition has no such column.
       coalesce(to_jsonb(m) -> 'firing', '[]') AS firing,
       -- Under the name that the referenced table has now: another table may have got the one that it had.
       coalesce(w.name, m.referenced_name) AS referenced_name,
       CASE WHEN w.name IS NOT NULL AND starts_with(m.definition, w.before)
            THEN format('FOREIGN KEY (%s) REFERENCES %s(', m.columns, w.name) || substr(m.definition, length(w.before) + 1)
            ELSE m.definition END AS definition,
       (SELECT c.oid FROM pg_constraint c
         WHERE c.conrelid = m.table_oid AND c.confrelid = m.referenced_oid AND c.contype = 'f'
           AND c.conparentid = 0 AND c.conname = m.constraint_name::name AND c.contypid = 0) AS constraint_oid,
       m.options ->> 'deadline' IS NOT NULL AND (m.options ->> 'deadline')::timestamptz <= now() AS window_closed,
       extract(epoch FROM (m.options ->> 'deadline')::timestamptz - now())::float8 AS window_seconds_left,
       extract(epoch FROM now() - m.approval_asked_at)::float8 AS approval_waited_seconds
  FROM p2pfk.migration m
  LEFT JOIN LATERAL (SELECT format('%I.%I', n.nspname, r.relname) AS name, format('FOREIGN KEY (%s) REFERENCES %s(', m.columns, m.referenced_name) AS before
                       FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = m.referenced_oid) w ON true
 WHERE m.id = :'migration_id'::bigint
   AND coalesce(obj_description(to_regclass('p2pfk.ledger_version'), 'pg_class') NOT LIKE 'Copy of a ledger%', true);
