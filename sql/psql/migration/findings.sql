-- The findings that are one SQL file each, sql/findings/<id>.sql, as a JSON list in :findings: core/checks/preflight/sql-findings.ts has
-- the same list. Needs the foreign key, :pairing, :unpaired and :options.
\set findings '[]'
\ir ledger-findings.sql
\set pairs :pairing
\set file ../../statements/rename-pair-foreign-keys.sql
\ir ../control/rows.sql
\set final_names :result
\set finding action-on-partition-key
\ir finding.sql
\set finding always-triggers
\ir finding.sql
\set finding disabled-trigger
\ir finding.sql
\set finding event-trigger
\ir finding.sql
\set finding guard-in-default
\ir finding.sql
\set id 1
\if :readable
\ir ../../ledger/next-migration.sql
\endif
SELECT CASE WHEN :'migration_id' = '' THEN :'id' ELSE '' END AS guard_number \gset
\set finding guard-name-taken
\ir finding.sql
\set finding keys-outside-partner
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
\set finding trigger-privilege
\ir finding.sql
\set finding trusted-owner
\ir finding.sql
\set finding ledger-copy
\ir finding.sql
\set finding not-enforced
\ir finding.sql
\set finding statement-trigger
\ir finding.sql
\set finding default-differs
\ir finding.sql
\set finding foreign-key-order
\ir finding.sql
\set finding publication-all-tables
\ir finding.sql
\set finding set-constraints
\ir finding.sql
\set finding constraint-name
\ir finding.sql
\set finding leaf-owner
\ir finding.sql
\set finding leaf-owner-privilege
\ir finding.sql
\set finding leaf-owner-code
\ir finding.sql
\set finding migrating-role
\ir finding.sql
\set finding row-security
\ir finding.sql
\set finding partition-persistence
\ir finding.sql
\set finding referenced-key
\ir finding.sql
\set finding pending-detach
\ir finding.sql
\set readers '[]'
\ir ../../checks/aurora-replicas.sql
\set finding standby-readers
\ir finding.sql
