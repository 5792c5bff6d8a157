-- Ends the script with :refusal, which is also noted in the ledger.
\if :locks_held
\ir ../locks/note-failure.sql
\endif
SELECT jsonb_build_object('state', :'resting_state', 'error', jsonb_build_object('name', :'error_name', 'message', :'refusal')) AS changes \gset
\ir ../../ledger/change-migration.sql
\ir refuse.sql
