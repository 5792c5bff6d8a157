-- Progress of the index build of the session :'pid'; no row where it builds none. Percent of the phase: null where the phase does
-- not report a number.
-- not null: phase
SELECT p.phase,
       floor(100 * coalesce(p.tuples_done::numeric / nullif(p.tuples_total, 0),
                            p.blocks_done::numeric / nullif(p.blocks_total, 0)))::int AS percent
  FROM pg_stat_progress_create_index p
 WHERE p.pid = :'pid'::int
