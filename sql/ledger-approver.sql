-- What a role needs to approve migrations (p2pfk approve) and for nothing else of the ledger. Run it as the ledger's owner, once the
-- first plan has made the ledger; safe to run again:
--
--   psql URL -v role=approver -f sql/ledger-approver.sql
--
-- Never GRANT UPDATE on the whole table: it holds the statements that a rollback runs, and p2pfk then refuses the ledger.
\set ON_ERROR_STOP on
SELECT pg_catalog.format('GRANT USAGE ON SCHEMA p2pfk TO %I', :'role')
\gexec
SELECT pg_catalog.format('GRANT SELECT ON p2pfk.ledger_version, p2pfk.identity, p2pfk.migration TO %I', :'role')
\gexec
SELECT pg_catalog.format('GRANT UPDATE (approved_at, approved_by, approval_reason, approval_withdrawn_at, approval_withdrawn_by, approval_withdrawn_reason, updated_at) ON p2pfk.migration TO %I', :'role')
\gexec
