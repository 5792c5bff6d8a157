-- Checks 1 to 3 (core/checks/verification.ts), from :'pairing', checks/parent-foreign-keys.sql (:'parents') and
-- checks/foreign-key-targets.sql (:'targets'). If :'whole' is false, problems of other partitions than those of :'pairing' do not
-- count.
WITH judged AS (
  SELECT (e ->> 'referencing_oid')::oid AS oid FROM jsonb_array_elements(:'pairing'::jsonb) e
), parent AS (
  SELECT e FROM jsonb_array_elements(:'parents'::jsonb) e
   WHERE :'whole'::boolean OR e -> 'on_root' = 'true' OR (e ->> 'relation_oid')::oid IN (SELECT oid FROM judged)
), target AS (
  SELECT e FROM jsonb_array_elements(:'targets'::jsonb) e
   WHERE :'whole'::boolean OR (e ->> 'referencing_oid')::oid IN (SELECT oid FROM judged)
), pair AS (
  SELECT count(*) AS pairs,
         count(*) FILTER (WHERE p.validated)                                        AS validated,
         count(p.constraint_oid)                                                    AS total,
         count(*) FILTER (WHERE p.constraint_oid IS NOT NULL AND NOT p.enforced)    AS disabled
    FROM jsonb_to_recordset(:'pairing'::jsonb) AS p(constraint_oid oid, validated boolean, enforced boolean)
)
SELECT pairs > 0 AND validated = pairs AND disabled = 0 AS check1,
       format('total %s, validated %s, not validated %s', total, validated, total - validated)
         || CASE WHEN pairs > total THEN format(', missing %s', pairs - total) ELSE '' END
         || CASE WHEN disabled > 0 THEN format(', disabled %s', disabled) ELSE '' END AS detail1,
       NOT EXISTS (SELECT FROM parent) AS check2,
       coalesce('Parent-level FK is still there: ' || (SELECT string_agg(format('%s on %s', e ->> 'name', e ->> 'relation'), ', ') FROM parent),
                'No parent-level FK found') AS detail2,
       NOT EXISTS (SELECT FROM target) AND total > 0 AS check3,
       coalesce('FK constraints to another partition than the partner: '
                  || (SELECT string_agg(format('%s (%s to %s)', e ->> 'name', e ->> 'referencing', e ->> 'referenced'), ', ') FROM target),
                CASE WHEN total > 0 THEN 'All FK constraints reference matching partition pairs' ELSE 'No pair foreign key to look at' END) AS detail3
  FROM pair \gset
