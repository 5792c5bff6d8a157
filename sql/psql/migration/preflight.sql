-- Refuses what cannot succeed, with the findings of severity error that core/checks/preflight/preflight.ts has; prints beforehand
-- what will be different. Reads only. `p2pfk plan` prints more: every finding, each statement, the time that it will take.
\ir ../../catalog/server.sql
\set file ../../catalog/partitioning.sql
\ir ../control/rows.sql
\set tables :result
SELECT coalesce(jsonb_agg(x.oid), '[]') AS relations
  FROM jsonb_array_elements(:'pairing'::jsonb) p,
       LATERAL (VALUES (p -> 'referencing_oid'), (p -> 'referenced_oid')) x(oid) \gset
\set file ../../catalog/leaf-privileges.sql
\ir ../control/rows.sql
\set leaves :result
\ir filled.sql
\set file ../../checks/hazards.sql
\ir ../control/rows.sql
\set hazards :result
\ir findings.sql
\set finding unpaired-empty-partition
\ir finding.sql
-- What was accepted before for this migration, and still reads the same, is not asked again.
\set accepted_before '[]'
SELECT :'migration_id' <> '' AS known \gset
\if :known
SELECT coalesce(m.options -> 'accepted', '[]') AS accepted_before FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint \gset
\endif
\set list :pairing
\ir ../queries/rollback-strategy.sql
\ir ../queries/refusals.sql
\if :refused
\ir ../control/refuse.sql
\endif
\if :warned
\echo :warnings
\endif
\ir ../queries/accepted.sql
