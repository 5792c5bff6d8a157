-- Drops what was added to pairs that no longer exist, and removes them from the ledger (core/steps/release-pairs.ts). Only while
-- the parent FK exists: without it a pair FK may be all that guards its rows.
\set list '[]'
SELECT :'constraint_oid' <> '' AS parent_stands \gset
\if :parent_stands
\set pairs :pairing
\set file ../../ledger/gone-pairs.sql
\ir ../control/rows.sql
\set list :result
\endif
SELECT :'list'::jsonb <> '[]' AS some_gone \gset
\if :some_gone
\set body ../pairs/release.sql
\ir ../control/each-pair.sql
\set pairs :pairing
\ir ../../ledger/forget-pairs.sql
\endif
