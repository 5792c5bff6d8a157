-- Every note of one migration, in the order in which it was written: who, what SQL, which locks, how long.
SELECT e.id::text AS id, e.pair, e.at, e.role, e.step, e.sql, e.locks, e.lock_wait_ms, e.duration_ms, e.error
  FROM p2pfk.event e
 WHERE e.migration_id = :'migration_id'::bigint
 ORDER BY e.id;
