-- How far the standbys are behind, and how many sessions work in this database, without this one and those in :'ours'
-- (ledger/our-sessions.sql). The readers of an Aurora cluster are in aurora-replicas.sql. `standbys`: number of walsenders whose
-- receiver reports what it has replayed, that is, of standbys and of subscribers of logical replication. `replica_lag_seconds`:
-- the lag of the slowest. `snapshot_seconds`, `snapshot_of`: age and holder of the oldest transaction that holds VACUUM back in this database;
-- null where there is none. A replication slot and a standby with hot_standby_feedback have an age in transactions only, and are left out.
-- not null: load_visible, standbys, replica_lag_seconds, active_sessions
:begin
-- Without pg_read_all_stats (or pg_monitor) both are hidden, which must not pass for none. pg_receivewal and pg_basebackup replay
-- nothing. replay_lag is NULL for a standby that has replayed everything.
SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS load_visible,
       r.standbys, r.replica_lag_seconds,
       (SELECT count(*)::int FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.state = 'active' AND a.backend_type = 'client backend'
           AND a.pid <> pg_backend_pid()
           AND a.pid NOT IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'ours'::jsonb) p(pid))) AS active_sessions,
       s.seconds AS snapshot_seconds, s.holder AS snapshot_of
  FROM (SELECT count(*)::int AS standbys, coalesce(extract(epoch FROM max(w.replay_lag)), 0)::float8 AS replica_lag_seconds
          FROM pg_stat_replication w
         WHERE w.replay_lsn IS NOT NULL) r
  LEFT JOIN LATERAL (
       -- VACUUM itself, and thus autovacuum, holds no other VACUUM back.
       SELECT extract(epoch FROM clock_timestamp() - o.since)::float8 AS seconds, o.holder
         FROM (SELECT a.xact_start AS since, format('pid %s (%s, %s)', a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'no application name')) AS holder
                 FROM pg_stat_activity a
                WHERE a.datname = current_database() AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
                  AND a.backend_type <> 'autovacuum worker' AND a.pid <> pg_backend_pid()
                  AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid)
                  AND a.pid NOT IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'ours'::jsonb) p(pid))
               UNION ALL
               SELECT x.prepared, format('prepared transaction %s of %s', x.gid, x.owner)
                 FROM pg_prepared_xacts x
                WHERE x.database = current_database()) o
        WHERE o.since IS NOT NULL
        ORDER BY o.since
        LIMIT 1) s ON true
:end
