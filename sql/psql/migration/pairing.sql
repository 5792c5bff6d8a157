-- The pairs as they are now, with what exists on each, as a JSON list in :pairing (what core/catalog/pairs.ts reads); :unpaired
-- has the partitions without a partner. Which index serves is left out where :read_indexes is false, under the locks of the drop.
\unset tree
\ir ../../catalog/pairs.sql
\if :{?tree}
-- A referencing leaf may lie in a referenced one whose bounds are not the same. What ranks the bounds is written by PostgreSQL,
-- then run.
\unset sql
\ir ../../catalog/bound-ranks-query.sql
\set ranks '[]'
\if :{?sql}
SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') AS ranks FROM ( :sql ) r \gset
\endif
SELECT set_config('enable_nestloop', 'off', false) AS ignored, set_config('jit', 'off', false) AS ignored \gset
\ir ../../catalog/containment.sql
RESET enable_nestloop;
RESET jit;
\endif
\set file ../../catalog/pair-states.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(p || s ORDER BY (p ->> 'pair')::int), '[]') AS pairing
  FROM jsonb_array_elements(:'pairs'::jsonb) p
  JOIN jsonb_array_elements(:'result'::jsonb) s ON s -> 'pair' = p -> 'pair' \gset
\if :read_indexes
\set pairs :pairing
\set file ../../catalog/pair-indexes.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(p || s ORDER BY (p ->> 'pair')::int), '[]') AS pairing
  FROM jsonb_array_elements(:'pairing'::jsonb) p
  JOIN jsonb_array_elements(:'result'::jsonb) s ON s -> 'pair' = p -> 'pair' \gset
\endif
