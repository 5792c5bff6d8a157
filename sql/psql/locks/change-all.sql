-- Runs :statements, a JSON list, as change.sql does.
\ir limit.sql
\set as_caller true
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
SELECT format('%s: %s', :'subject', :'failure') AS refusal \gset
\set error_name StatementFailed
\ir ../control/give-up.sql
\endif
