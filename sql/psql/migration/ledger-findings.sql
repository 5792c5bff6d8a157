-- The findings that compare the catalog with the ledger, in :findings: core/checks/preflight/sql-findings.ts has the same list.
\ir read-ledger-entry.sql
\set finding leaf-to-parent-foreign-key
\ir finding.sql
\set finding ledger-missing
\ir finding.sql
\set finding ledger-outdated
\ir finding.sql
\set finding missing-guard
\ir finding.sql
