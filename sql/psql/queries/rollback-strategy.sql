-- How the parent FK would be restored, and for how many milliseconds that would block writes (core/catalog/server-facts.ts,
-- forecastRollback). Needs the row of catalog/server.sql, and the pairs in :'list'.
SELECT CASE WHEN :'version_num'::int >= 180000 THEN 'not-valid'
            WHEN 3 * n.pairs * n.pairs + 8 * n.pairs + 10 <= :'lock_table_capacity'::int * 0.7 THEN 'attach'
            ELSE 'blocking' END AS strategy,
       CASE WHEN :'version_num'::int >= 180000 THEN 200
            WHEN 3 * n.pairs * n.pairs + 8 * n.pairs + 10 <= :'lock_table_capacity'::int * 0.7 THEN greatest(20, round(40 * (n.pairs / 17.0) ^ 2 + 0.0008 * n.pairs ^ 3))
            ELSE round(n.rows / 250 + 40 * n.pairs) END::bigint AS writes_blocked_ms
  FROM (SELECT count(*) AS pairs, coalesce(sum((e ->> 'rows')::numeric), 0) AS rows FROM jsonb_array_elements(:'list'::jsonb) e) n \gset
