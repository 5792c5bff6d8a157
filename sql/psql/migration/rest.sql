-- What is done stays done; whoever comes next, psql or p2pfk, goes on from here.
SELECT jsonb_build_object('state', 'paused') AS changes \gset
\ir ../../ledger/change-migration.sql
