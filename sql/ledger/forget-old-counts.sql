-- When a hold ends: forgets the counts of orphans that began longer ago than a proof may be old, so that the gate has these pairs counted anew.
-- Without a hold a count has no age: where counting all pairs takes longer than that, the gate would never be open.
UPDATE p2pfk.pair p
   SET orphans = NULL, orphans_counted_at = NULL, proof = NULL
 WHERE p.migration_id = :'migration_id'::bigint AND p.proof ->> 'by' = 'count'
   AND (p.proof ->> 'at')::timestamptz < clock_timestamp() - make_interval(secs => :'max_age_seconds'::float8);
