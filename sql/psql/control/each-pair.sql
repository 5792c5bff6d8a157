-- Runs the file :body once for each pair of :list, a JSON list. psql has no loop: repeat.sql includes itself twice, so its :depth
-- levels have room for 2^:depth turns.
SELECT set_config('p2pfk.list', :'list', false) AS ignored,
       jsonb_array_length(:'list'::jsonb)       AS of,
       jsonb_array_length(:'list'::jsonb) > 0   AS more,
       ceil(log(2.0, greatest(1, jsonb_array_length(:'list'::jsonb))))::int + 1 AS depth \gset
\set n 0
\set skipped 0
\set failures 0
\ir repeat.sql
