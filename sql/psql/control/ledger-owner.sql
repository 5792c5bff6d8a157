-- Runs SET ROLE to the ledger's owner if -v ledger_owner names one and the login is a member of it, then checks the ledger:
-- before any other statement of these scripts uses an object in p2pfk.
SELECT :'ledger_owner' <> '' AS named \gset
\if :named
\ir ../../ledger/owner-role.sql
\if :missing
SELECT format('there is no role %s, which is named as the ledger''s owner', :'ledger_owner') AS refusal \gset
\ir refuse.sql
\endif
\endif
\ir ledger.sql
