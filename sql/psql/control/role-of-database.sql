-- Refuses a session whose role the database's owner has chosen (core/postgres/session/session-settings.ts), unless :ledger_owner names it.
\ir ../../catalog/role-of-database.sql
SELECT :'foreign_role' <> '' AND :'foreign_role' <> :'ledger_owner' AS refused,
       format('refused, nothing was changed: this session is role %I, because the database says so (ALTER DATABASE ... SET role), whose owner would choose whose ledger counts as ours; if that role is to own the ledger, name it with -v ledger_owner=, or set it for the login (ALTER ROLE ... SET role)', :'foreign_role') AS refusal \gset
\if :refused
\ir refuse.sql
\endif
