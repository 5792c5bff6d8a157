-- The DELETE probe (core/delete-probe.ts): ten rows of the largest pair that has rows and no triggers of the application,
-- taken back at once. Runs in the caller's transaction, for :probe_ms at most. Then :check4 and :detail4 are known;
-- :probe_sqlstate is not empty where it could not be done.
\set pairs :pairing
\set rows 10
\set file ../../checks/delete-probe.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(e ORDER BY n) FILTER (WHERE e ->> 'user_triggers' = '0'), '[]') AS list,
       count(*) FILTER (WHERE e ->> 'user_triggers' = '0') = 0 AS no_quiet_pair
  FROM jsonb_array_elements(:'result'::jsonb) WITH ORDINALITY x(e, n) \gset
\set probe_sqlstate ''
\set check4 true
\set detail4 'Deleted 0 rows: the referenced partitions are empty'
\if :no_quiet_pair
\set detail4 'skipped: the partitions have triggers of the application, which a probe would fire'
\endif
\set body ../pairs/probe.sql
\ir ../control/each-pair.sql
