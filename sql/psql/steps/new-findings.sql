-- Hours or days may have passed since step 1. Findings that have appeared since and need acceptance are treated like those of
-- step 1.
\ir ../migration/findings.sql
SELECT count(*) > 0 AS refused,
       format('since step 1 something came up that needs acceptance: %s; accept it with -v accept=%s',
              string_agg(format('[%s] %s; %s', f.id, f.message, f.remedy), ' | '), string_agg(DISTINCT f.id, ',')) AS refusal
  FROM jsonb_to_recordset(:'findings'::jsonb) AS f(id text, needs_acceptance boolean, message text, remedy text)
  JOIN p2pfk.migration m ON m.id = :'migration_id'::bigint
 WHERE f.needs_acceptance AND NOT (:'options'::jsonb -> 'accept') ?| ARRAY[f.id, 'all']
   AND NOT EXISTS (SELECT FROM jsonb_array_elements(coalesce(m.options -> 'accepted', '[]')) b
                    WHERE b ->> 'id' = f.id AND b ->> 'message' = f.message) \gset
\if :refused
\set error_name PartitionSetChanged
\ir ../control/give-up.sql
\endif
