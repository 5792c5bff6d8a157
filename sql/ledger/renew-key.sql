-- From now on the owner, which held :'before', shows with another key that it is alive.
UPDATE p2pfk.migration
   SET liveness_key = :'liveness_key'::bigint, updated_at = now()
 WHERE execution = :'execution'::text AND liveness_key = :'before'::bigint AND state IN ('running', 'rolling-back');
