-- A sign of life of the owner: it counts as alive for this many seconds more. An owner that holds a key lives as long as that is held, and
-- writes only where less than half of the time is left: each of its steps says that it lives, side by side, and a row is written by one
-- after the other, each with a COMMIT that reaches the disk.
-- may be null: liveness_key
UPDATE p2pfk.migration
   SET lease_until = greatest(lease_until, now() + make_interval(secs => :'seconds'::float8)), updated_at = now(),
       liveness_key = coalesce(:'liveness_key'::bigint, liveness_key)
 WHERE id = :'migration_id'::bigint AND execution = :'execution'::text
   AND NOT coalesce(liveness_key = :'liveness_key'::bigint AND lease_until > now() + make_interval(secs => :'seconds'::float8 / 2), false);
