-- How far the standbys are behind, and how many sessions work in this database, without this one and those in :'ours'
-- (ledger/our-sessions.sql).
:begin
-- Without pg_read_all_stats (or pg_monitor) both are hidden, which must not pass for none.
SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS load_visible,
       coalesce((SELECT extract(epoch FROM max(replay_lag)) FROM pg_stat_replication), 0)::float8 AS replica_lag_seconds,
       (SELECT count(*)::int FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.state = 'active' AND a.backend_type = 'client backend'
           AND a.pid <> pg_backend_pid()
           AND a.pid NOT IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'ours'::jsonb) p(pid))) AS active_sessions
:end
