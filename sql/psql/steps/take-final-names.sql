-- In the drop's transaction, after the drop: the pair FKs get their final names (core/catalog/pair-names.ts), by the migration's
-- option in the ledger. Needs :pairing.
SELECT m.options AS drop_options FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint \gset
\set given_options :options
\set standing_oid :constraint_oid
\set options :drop_options
\set constraint_oid ''
\set pairs :pairing
\set file ../../statements/rename-pair-foreign-keys.sql
\ir ../control/rows.sql
\set options :given_options
\set constraint_oid :standing_oid
SELECT coalesce(jsonb_agg(r ORDER BY r -> 'pair') FILTER (WHERE x.n = 1), '[]') AS pairs,
       coalesce(jsonb_agg(x.text ORDER BY r -> 'pair', x.n), '[]') AS statements
  FROM jsonb_array_elements(:'result'::jsonb) r
 CROSS JOIN LATERAL (VALUES (1, r ->> 'sql'), (2, r ->> 'timing_sql')) x(n, text)
 WHERE x.text IS NOT NULL \gset
\set as_caller true
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
\ir ../queries/budget-refusal.sql
\ir ../control/give-up.sql
\endif
\ir ../../ledger/rename-pairs.sql
