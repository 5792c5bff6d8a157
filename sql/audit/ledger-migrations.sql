-- Every migration of the ledger that is not rolled back, with its state in the catalog: whether its tables still have the oids in
-- the ledger, which tables have their names now, and whether the parent FK exists.
-- not null: id, table_oid, table_name, referenced_oid, referenced_name, constraint_name, definition, columns, referenced_columns,
--   column_names, referenced_column_names, actions, state, execution, options, role, started_at, updated_at, lease_until, firing,
--   tables_exist, table_name_now, referenced_name_now
-- types: column_names string[], referenced_column_names string[], state MigrationState, options MigrationOptions, rehearsal Rehearsal,
--   verification Verification, error NotedError, plan RecordedPlan, firing AlwaysFiring[]
SELECT m.*, m.id::text AS id,
       -- By name, because a ledger of an older edition has no such column.
       coalesce(to_jsonb(m) -> 'firing', '[]') AS firing,
       coalesce(t.relkind = 'p' AND r.relkind = 'p', false)                      AS tables_exist,
       to_regclass(m.table_name)::oid                                            AS table_oid_now,
       to_regclass(m.referenced_name)::oid                                       AS referenced_oid_now,
       coalesce(quote_ident(tn.nspname) || '.' || quote_ident(t.relname), m.table_name)      AS table_name_now,
       coalesce(quote_ident(rn.nspname) || '.' || quote_ident(r.relname), m.referenced_name) AS referenced_name_now,
       (SELECT c.oid FROM pg_constraint c
         WHERE c.conrelid = m.table_oid AND c.confrelid = m.referenced_oid AND c.contype = 'f'
           AND c.conparentid = 0 AND c.conname = m.constraint_name)              AS constraint_oid
  FROM p2pfk.migration m
  LEFT JOIN pg_class t ON t.oid = m.table_oid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
  LEFT JOIN pg_class r ON r.oid = m.referenced_oid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE m.state <> 'rolled-back'
 ORDER BY m.id;
