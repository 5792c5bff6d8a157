-- One candidate of the DELETE probe, :pairs. The shorter lock_timeout: it does not wait long for rows that the application has
-- locked. The lock prevents other sessions from adding a trigger or a foreign key; under the locks of the drop it is held
-- already.
SAVEPOINT delete_probe;
\set candidate :pairs
SELECT current_setting('statement_timeout') AS outer_timeout \gset
SELECT set_config('statement_timeout', greatest(2, ceil(:probe_ms))::text, true)  AS ignored,
       set_config('lock_timeout', greatest(1, ceil(:probe_ms / 2.0))::text, true) AS ignored,
       :'candidate'::jsonb -> 0 -> 'obstacle' <> 'null' AS hindered,
       jsonb_build_object('obstacle', :'candidate'::jsonb -> 0 -> 'obstacle') AS probed,
       jsonb_build_array(:'candidate'::jsonb -> 0 ->> 'lock') AS statements \gset
\if :hindered
\else
\ir ../control/attempt.sql
SELECT jsonb_build_object('sqlstate', :'sqlstate', 'message', :'failure', 'took_ms', :took_ms, 'timeout_ms', :probe_ms) AS probed \gset
\if :failed
\else
-- The catalog is asked within the caller's limit: cut by the short one, it would end the script.
SELECT set_config('statement_timeout', :'outer_timeout', true) AS ignored, jsonb_agg(p) AS pairs FROM jsonb_array_elements(:'pairing'::jsonb) p
 WHERE p -> 'pair' = :'candidate'::jsonb -> 0 -> 'pair' \gset
\set file ../../checks/delete-probe.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb -> 0 -> 'obstacle' <> 'null' AS hindered,
       jsonb_build_object('obstacle', :'result'::jsonb -> 0 -> 'obstacle') AS probed,
       set_config('p2pfk.delete_probe', (:'result'::jsonb -> 0)::text, false) AS ignored,
       set_config('statement_timeout', greatest(2, ceil(:probe_ms))::text, true) AS ignored \gset
\if :hindered
\else
\ir ../../checks/delete-once.sql
SELECT current_setting('p2pfk.delete_probed')::jsonb || jsonb_build_object('timeout_ms', :probe_ms) AS probed \gset
\endif
\endif
\endif
ROLLBACK TO SAVEPOINT delete_probe;
SELECT CASE WHEN :'outcome_json' = '{}' OR x.known THEN :'probed' ELSE :'outcome_json' END AS outcome_json,
       :'more'::boolean AND NOT x.known AS more
  FROM (SELECT coalesce(:'probed'::jsonb ->> 'sqlstate', '') <> '' OR coalesce((:'probed'::jsonb ->> 'deleted')::bigint, 0) > 0 AS known) x \gset
