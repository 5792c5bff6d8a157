-- The last note of one step on one pair; what a validation left behind after its client was gone.
:begin
SELECT e.lock_wait_ms, e.duration_ms, e.at
  FROM p2pfk.event e
 WHERE e.migration_id = :'migration_id'::bigint AND e.pair IS NOT DISTINCT FROM :'pair'::int AND e.step = :'step'::text
 ORDER BY e.id DESC
 LIMIT 1
:end
