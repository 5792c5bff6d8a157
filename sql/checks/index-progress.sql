-- How far the index build of a session of ours is, known by its application_name: no row where it builds none. Percent of the
-- phase: null where the phase does not count.
SELECT p.phase,
       floor(100 * coalesce(p.tuples_done::numeric / nullif(p.tuples_total, 0),
                            p.blocks_done::numeric / nullif(p.blocks_total, 0)))::int AS percent
  FROM pg_stat_activity a
  JOIN pg_stat_progress_create_index p ON p.pid = a.pid
 WHERE a.application_name = :'application'::text AND a.datname = current_database()
 ORDER BY a.query_start DESC
 LIMIT 1
