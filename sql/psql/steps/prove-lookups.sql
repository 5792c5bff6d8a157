-- Proves by query plan that the lookup of each pair FK of :pairing uses an index (core/checks/delete-probe.ts): :proofs. Executes
-- none of them.
\set pairs :pairing
\set file ../../checks/delete-lookups.sql
\ir ../control/rows.sql
\set lookups :result
SELECT set_config('p2pfk.lookups', :'lookups', false) AS ignored \gset
\ir ../../checks/explain-lookups.sql
\set file ../../checks/lookup-proofs.sql
\ir ../control/rows.sql
\set proofs :result
