-- The pairs of the migration as the ledger has them, as a JSON list in :planned.
SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.pair), '[]') AS planned
  FROM p2pfk.pair p
 WHERE p.migration_id = :'migration_id'::bigint \gset
