-- Becomes the role that owns the ledger, where -v ledger_owner=ROLE names one and the login is a member of it. Never a name from the
-- plan: its author would decide whose functions run with the rights of the role that runs this script.
\if :{?ledger_owner}
\else
\set ledger_owner ''
\endif
\set local false
SELECT current_setting('role') AS caller_role, :'ledger_owner' <> '' AS named \gset
