-- Runs SET ROLE to the role that owns the ledger, if -v ledger_owner=ROLE names one and the login is a member of it. Never a name
-- from the plan: its author would decide whose functions run with the rights of the role that runs this script.
\if :{?ledger_owner}
\else
\set ledger_owner ''
\endif
-- The same for roles whose code may run with the rights of this session: -v trust_owners=ROLE,ROLE.
\if :{?trust_owners}
\else
\set trust_owners ''
\endif
SELECT set_config('p2pfk.trusted_owners', :'trust_owners', false) AS ignored \gset
\set local false
SELECT current_setting('role') AS caller_role, :'ledger_owner' <> '' AS named \gset
