-- How far the standbys are behind, and how many sessions work in this database, without this one and those in :'ours'
-- (ledger/our-sessions.sql). The readers of an Aurora cluster are in aurora-replicas.sql. `standbys`: number of walsenders whose
-- receiver reports what it has replayed, that is, of standbys and of subscribers of logical replication. `replica_lag_seconds`:
-- the lag of the slowest.
-- not null: load_visible, standbys, replica_lag_seconds, active_sessions
:begin
-- Without pg_read_all_stats (or pg_monitor) both are hidden, which must not pass for none. pg_receivewal and pg_basebackup replay
-- nothing. replay_lag is NULL for a standby that has replayed everything.
SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS load_visible,
       r.standbys, r.replica_lag_seconds,
       (SELECT count(*)::int FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.state = 'active' AND a.backend_type = 'client backend'
           AND a.pid <> pg_backend_pid()
           AND a.pid NOT IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'ours'::jsonb) p(pid))) AS active_sessions
  FROM (SELECT count(*)::int AS standbys, coalesce(extract(epoch FROM max(w.replay_lag)), 0)::float8 AS replica_lag_seconds
          FROM pg_stat_replication w
         WHERE w.replay_lsn IS NOT NULL) r
:end
