-- Findings that may appear between the plan and the drop, in :findings: core/checks/preflight/sql-findings.ts has the same list.
\set findings '[]'
\set pairs :pairing
\set finding pending-detach
\ir finding.sql
\set finding leaf-owner-privilege
\ir finding.sql
\set finding leaf-owner-code
\ir finding.sql
\set finding row-security
\ir finding.sql
\set finding trigger-after-guard
\ir finding.sql
