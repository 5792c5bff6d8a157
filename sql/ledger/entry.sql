-- The newest ledger entry of a foreign key, in any state: by the parent FK's name or, where the name is recorded nowhere any
-- more, by what it connects. `since`: when that state began. `owned_pairs`: pairs whose FK a rollback would drop. Run it only
-- where ledger/state.sql has found that the ledger is readable.
-- not null: id, state, execution, role, is_dropped, constraint_name, since, pairs
-- types: state MigrationState, pairs NotedPair[]
:begin
SELECT m.id::text AS id, m.state, m.execution, m.role, m.dropped_at IS NOT NULL AS is_dropped, m.constraint_name,
       to_char(CASE m.state WHEN 'running' THEN coalesce((m.options ->> 'plannedAt')::timestamptz, m.started_at)
                            WHEN 'rolling-back' THEN coalesce(m.fenced_at, m.updated_at)
                            WHEN 'paused' THEN m.updated_at
                            ELSE coalesce(m.finished_at, m.updated_at) END AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
       CASE WHEN m.error IS NOT NULL THEN format('%s: %s', m.error ->> 'name', m.error ->> 'message') END AS reason,
       coalesce((SELECT jsonb_agg(jsonb_build_object('referencing_oid', k.referencing_oid::bigint, 'referenced_oid', k.referenced_oid::bigint,
                                                     'constraint_added', k.constraint_added))
                   FROM p2pfk.pair k WHERE k.migration_id = m.id), '[]') AS pairs
  FROM p2pfk.migration m
 WHERE m.table_oid = :'referencing_oid'::oid
   AND CASE WHEN :'constraint_name'::text <> '' THEN m.constraint_name = :'constraint_name'::text
            ELSE m.referenced_oid = :'referenced_oid'::oid AND m.column_names = :'column_names'::jsonb
                 AND m.referenced_column_names = :'referenced_column_names'::jsonb END
 ORDER BY m.id DESC
 LIMIT 1
:end
