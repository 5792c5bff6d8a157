-- Migrations as `p2pfk list` and `p2pfk status` show them, the newest first: at most :'most', of one table where :'table_oid' is not
-- null. Run it only where ledger/state.sql has found that the ledger is readable. Columns that a ledger of an older version may lack
-- are read by name. `since`: when the state began. `took_ms`: until it ended, paused, or now. `table_name`: as the table is called
-- now; `gone`: there is no such table any more. `on_standby`: sessions of the primary cannot be seen from here.
-- not null: id, table_name, ledger_name, gone, referenced_name, constraint_name, state, execution, role, options, since, started_at, took_ms, is_dropped, lease_until,
--   lease_holds, pairs, on_standby
-- types: state MigrationState, options MigrationOptions, error NotedError, approved_options KeptOptions, pairs PairCounts
-- may be null: table_oid
:begin
SELECT m.id::text AS id, coalesce(w.name, m.table_name) AS table_name, m.table_name AS ledger_name, w.name IS NULL AS gone,
       m.referenced_name, m.constraint_name, m.state, m.execution, m.role, m.options, m.error,
       to_jsonb(m) ->> 'started_by' AS started_by, to_jsonb(m) ->> 'reason' AS reason,
       to_char(t.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
       to_char(m.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
       to_char(m.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS finished_at,
       greatest(0, extract(epoch FROM CASE WHEN m.state = 'running' OR m.state = 'rolling-back' THEN clock_timestamp() ELSE t.since END - m.started_at))::float8 * 1000 AS took_ms,
       m.dropped_at IS NOT NULL AS is_dropped,
       to_char(m.lease_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS lease_until,
       m.lease_until > clock_timestamp() AS lease_holds,
       to_char(m.approval_asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS approval_asked_at,
       to_char((m.approval_asked_at + make_interval(secs => (m.options ->> 'approvalTimeoutSeconds')::float8)) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS approval_until,
       to_char(m.approved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS approved_at,
       m.approved_by, to_jsonb(m) ->> 'approved_login' AS approved_login, to_jsonb(m) -> 'approved_options' AS approved_options,
       (SELECT coalesce(jsonb_object_agg(c.state, c.pairs), '{}')
          FROM (SELECT p.state, count(*) AS pairs FROM p2pfk.pair p WHERE p.migration_id = m.id GROUP BY p.state) c) AS pairs,
       pg_is_in_recovery() AS on_standby
  FROM p2pfk.migration m
 CROSS JOIN LATERAL (
       SELECT CASE m.state WHEN 'running' THEN coalesce((m.options ->> 'plannedAt')::timestamptz, m.started_at)
                           WHEN 'rolling-back' THEN coalesce(m.fenced_at, m.updated_at)
                           WHEN 'paused' THEN m.updated_at
                           ELSE coalesce(m.finished_at, m.updated_at) END AS since) t
  LEFT JOIN LATERAL (
       SELECT format('%I.%I', n.nspname, r.relname) AS name
         FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
        WHERE r.oid = m.table_oid) w ON true
 WHERE (:'table_oid'::oid IS NULL OR m.table_oid = :'table_oid'::oid)
 ORDER BY m.id DESC
 LIMIT :'most'::int
:end
