-- Claims the right to run a long statement on the object with the oid :running_oid, as core/steps/detached.ts does: one that an
-- execution of p2pfk left running in the server is found here, and ours is found there. run-alone-end.sql releases it.
\set object :running_oid
\set file ../../ledger/claim-run.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS alone,
       format('%s: a session that was left running still works on it; run the script again when it has ended', :'subject') AS refusal \gset
\if :alone
\else
\set error_name MigrationInProgress
\ir ../control/give-up.sql
\endif
