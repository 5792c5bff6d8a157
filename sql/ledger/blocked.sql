-- For how long the tries of one execution blocked others at most: the longest one, and all together. Milliseconds.
-- not null: longest_ms, total_ms, tries
:begin
SELECT coalesce(max(e.lock_held_ms), 0) AS longest_ms, coalesce(sum(e.lock_held_ms), 0) AS total_ms, count(e.lock_held_ms)::int AS tries
  FROM p2pfk.event e
 WHERE e.migration_id = :'migration_id'::bigint AND e.execution = :'execution'::text
:end
