-- Pauses the migration: what is done is kept, and the next run, of psql or p2pfk, continues from here.
SELECT jsonb_build_object('state', 'paused') AS changes \gset
\ir ../../ledger/change-migration.sql
