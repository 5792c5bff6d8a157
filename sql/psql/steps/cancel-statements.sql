-- Cancels what p2pfk may still run for this migration in other sessions of this login.
\ir ../control/as-login.sql
\set file ../../ledger/cancel-statements.sql
\ir ../control/rows.sql
\ir ../control/as-role.sql
