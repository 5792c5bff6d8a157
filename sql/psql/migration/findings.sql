-- The findings that are one SQL file each, sql/findings/<id>.sql, as a JSON list in :findings: core/preflight/sql-findings.ts has
-- the same list. Needs the foreign key, :pairing, :unpaired and :options.
\set findings '[]'
\set pairs :pairing
\set finding always-triggers
\ir finding.sql
\set finding disabled-trigger
\ir finding.sql
\set finding guard-in-default
\ir finding.sql
\set finding leaf-in-two-pairs
\ir finding.sql
\set finding null-only-partition
\ir finding.sql
\set finding other-foreign-keys
\ir finding.sql
\set finding row-movement
\ir finding.sql
\set finding rule
\ir finding.sql
\set finding trigger-after-guard
\ir finding.sql
