-- Releases the right that run-alone.sql took.
\ir ../../ledger/end-run.sql
