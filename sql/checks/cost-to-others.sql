-- Counters of the server that show what a long step costs others, read before and after it. `wal_bytes`: the position in WAL, of the whole
-- server; NULL on Aurora, which has no such WAL. `read_bytes`: what all sessions have read into shared buffers of the tables :'relations',
-- of their partitions, and of the indexes of both; a session reports it within a second after its statement. `replica_lag_seconds`: the lag of
-- the slowest standby; NULL where none streams from here, or this role may not see it.
-- not null: is_aurora
:begin
SELECT a.is_aurora,
       CASE WHEN NOT a.is_aurora THEN pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 END AS wal_bytes,
       (SELECT (sum(coalesce(s.heap_blks_read, 0) + coalesce(s.idx_blks_read, 0)) * current_setting('block_size')::int)::float8
          FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid)
         CROSS JOIN LATERAL pg_partition_tree(r.oid::oid::regclass) t
          JOIN pg_statio_all_tables s ON s.relid = t.relid
         WHERE t.isleaf) AS read_bytes,
       CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE')
            THEN (SELECT coalesce(extract(epoch FROM max(w.replay_lag)), 0)::float8
                    FROM pg_stat_replication w
                   WHERE w.replay_lsn IS NOT NULL
                  HAVING count(*) > 0) END AS replica_lag_seconds
  FROM (SELECT EXISTS (SELECT
                         FROM pg_proc p
                        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = 'aurora_version') AS is_aurora) a
:end
