-- Rows and milliseconds of the migration's pairs for which one kind of work is done (index, validate; a count takes as long as a validation at
-- the most): its own pace. Summed up here, because every pair asks for it.
-- not null: rows, milliseconds
SELECT coalesce(sum(p.rows), 0)::float8 AS rows, coalesce(sum(t.ms), 0)::float8 AS milliseconds
  FROM p2pfk.pair p
 CROSS JOIN LATERAL (SELECT CASE :'what'::text WHEN 'index' THEN p.index_ms ELSE p.validate_ms END AS ms) t
 WHERE p.migration_id = :'migration_id'::bigint AND t.ms > 0;
