-- Sets the fence. FOR UPDATE waits for every forward transaction that runs, and no further one begins. Only the owner sets it,
-- and not where everything is rolled back: a late call undoes nothing.
-- may be null: error
WITH locked AS (
  SELECT id FROM p2pfk.migration WHERE id = :'migration_id'::bigint AND execution = :'execution'::text
     AND state <> 'rolled-back' FOR UPDATE
)
UPDATE p2pfk.migration m
   SET fenced_at = coalesce(m.fenced_at, now()), state = 'rolling-back', error = coalesce(nullif(:'error'::jsonb, 'null'), m.error),
       execution = :'execution'::text, updated_at = now(), lease_until = now() + interval '90 seconds'
  FROM locked
 WHERE m.id = locked.id;
