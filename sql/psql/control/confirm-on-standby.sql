-- Run before "done" is printed: our transactions do not wait for a synchronous standby, because they hold locks (session.sql).
-- Here nothing is locked. psql cannot limit the wait, so it prints what it waits for.
\ir ../../checks/awaits-standby.sql
\if :awaits
\echo Waiting for the synchronous standby to confirm what was committed: nothing is locked, and Ctrl-C loses nothing on this server
\ir ../../checks/confirm-on-standby.sql
\endif
