-- The pairs as they are now, with what stands on each, as a JSON list in :pairing (what core/pairs.ts reads); :unpaired has
-- the partitions without a partner.
\ir ../../catalog/pairs.sql
SELECT EXISTS (SELECT FROM jsonb_array_elements(:'unpaired'::jsonb) u WHERE u ->> 'side' = 'referencing') AS lone \gset
\if :lone
-- A referencing partition may have a coarser partner. That query is written by PostgreSQL from the bounds, then run.
\unset sql
\ir ../../catalog/overlap-query.sql
\if :{?sql}
\set same_bound :pairs
SELECT set_config('search_path', current_setting('p2pfk.caller_search_path'), false) AS ignored \gset
SELECT coalesce(jsonb_agg(to_jsonb(o)), '[]') AS overlaps,
       coalesce(jsonb_agg(to_jsonb(o)) FILTER (WHERE o.contained), '[]') AS pairs
  FROM ( :sql ) o \gset
SELECT set_config('search_path', 'pg_catalog', false) AS ignored \gset
\set file ../../catalog/pairs-of-partitions.sql
\ir ../control/rows.sql
\ir ../queries/merge-coarser.sql
\endif
\endif
\set file ../../catalog/pair-states.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(p || s ORDER BY (p ->> 'pair')::int), '[]') AS pairing
  FROM jsonb_array_elements(:'pairs'::jsonb) p
  JOIN jsonb_array_elements(:'result'::jsonb) s ON s -> 'pair' = p -> 'pair' \gset
