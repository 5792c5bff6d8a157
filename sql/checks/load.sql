-- How far the standbys are behind, and how many sessions work in this database; ours are left out.
-- Without pg_read_all_stats (or pg_monitor) both are hidden, which must not pass for none.
SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS load_visible,
       coalesce((SELECT extract(epoch FROM max(replay_lag)) FROM pg_stat_replication), 0)::float8 AS replica_lag_seconds,
       (SELECT count(*)::int FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.state = 'active' AND a.backend_type = 'client backend'
           AND a.application_name NOT LIKE 'p2pfk/%')                                          AS active_sessions;
