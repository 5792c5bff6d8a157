-- Checks 1 to 3 of the pairs in :pairing: those that need no scan.
\set file ../../checks/parent-foreign-keys.sql
\ir ../control/rows.sql
\set parents :result
SELECT :'pairing'::jsonb || :'newcomers'::jsonb AS pairs \gset
\set file ../../checks/foreign-key-targets.sql
\ir ../control/rows.sql
\set targets :result
\ir ../queries/quick-checks.sql
