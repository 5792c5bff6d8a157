-- How often a step, of one pair or of the whole migration, was refused its locks so far.
-- not null: refusals
-- may be null: pair
SELECT count(*)::int AS refusals
  FROM p2pfk.event e
 WHERE e.migration_id = :'migration_id'::bigint AND e.step = :'step'::text AND e.pair IS NOT DISTINCT FROM :'pair'::int
   AND e.error IS NOT NULL;
