-- Runs :change_sql under the locks that lock.sql took, with the caller's search_path; where it fails, the script ends.
SELECT jsonb_build_array(:'change_sql') AS statements \gset
\set as_caller true
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
SELECT format('%s: %s', :'subject', :'failure') AS refusal \gset
\set error_name StatementFailed
\ir ../control/give-up.sql
\endif
