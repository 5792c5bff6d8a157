-- The pairs in :planned whose referencing partition is still a partition, as a JSON list in :attached: the parent FK is restored
-- for these.
\set pairs :planned
\set file ../../catalog/attached-pairs.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(p ORDER BY (p ->> 'pair')::int), '[]') AS attached
  FROM jsonb_array_elements(:'planned'::jsonb) p
 WHERE EXISTS (SELECT FROM jsonb_array_elements(:'result'::jsonb) r WHERE r -> 'pair' = p -> 'pair') \gset
