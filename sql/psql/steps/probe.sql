-- The check `delete-performance` (core/checks/delete-probe.ts): the :proofs of each pair of :pairing, and ten rows of the first
-- pair that has rows and where nothing but the pair is affected, deleted and rolled back. Runs in the caller's transaction, for
-- :probe_ms at most. Sets :check4 and :detail4.
\set outcome_json '{}'
\if :{?no_indexes}
\else
\set no_indexes off
\endif
\set outcome :outcome_json
\ir ../../checks/delete-verdict.sql
\if :passed
\set rows 10
\set fan_out 100
\set leaving_oid ''
SELECT coalesce(jsonb_agg(p ORDER BY n), '[]') AS pairs
  FROM jsonb_array_elements(:'pairing'::jsonb) WITH ORDINALITY x(p, n) WHERE n <= 10 \gset
\set file ../../checks/delete-probe.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(e ORDER BY n) FILTER (WHERE e -> 'filled' = 'true'), '[]') AS list
  FROM jsonb_array_elements(:'result'::jsonb) WITH ORDINALITY x(e, n) \gset
\set body ../pairs/probe.sql
\ir ../control/each-pair.sql
\set pairs :pairing
\set outcome :outcome_json
\ir ../../checks/delete-verdict.sql
\endif
\set check4 :passed
\set detail4 :detail
