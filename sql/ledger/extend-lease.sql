-- A sign of life of the owner: it counts as alive for this many seconds more.
-- may be null: liveness_key
UPDATE p2pfk.migration
   SET lease_until = greatest(lease_until, now() + make_interval(secs => :'seconds'::float8)), updated_at = now(),
       liveness_key = coalesce(:'liveness_key'::bigint, liveness_key)
 WHERE id = :'migration_id'::bigint AND execution = :'execution'::text;
