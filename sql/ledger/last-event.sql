-- The last event of one step on one pair, for example of a validation that ended after its client was gone.
-- not null: at
:begin
SELECT e.duration_ms, e.at,
       -- Of its LOCK TABLE, which is noted before it.
       (SELECT l.lock_wait_ms FROM p2pfk.event l
         WHERE l.migration_id = e.migration_id AND l.pair IS NOT DISTINCT FROM e.pair AND l.step = e.step AND l.id <= e.id
           AND l.lock_wait_ms IS NOT NULL
         ORDER BY l.id DESC LIMIT 1) AS lock_wait_ms
  FROM p2pfk.event e
 WHERE e.migration_id = :'migration_id'::bigint AND e.pair IS NOT DISTINCT FROM :'pair'::int AND e.step = :'step'::text
 ORDER BY e.id DESC
 LIMIT 1
:end
