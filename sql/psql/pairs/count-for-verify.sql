-- Check 5 for one pair: adds its count to :counts.
\set named :pairs
\ir count-orphans.sql
SELECT :'counts'::jsonb || jsonb_build_object('pair', :pair, 'orphans', nullif(:'orphans', '')::bigint) AS counts \gset
