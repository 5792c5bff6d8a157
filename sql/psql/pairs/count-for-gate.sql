-- The gate's orphan count of one pair: convalidated is no proof, so the rows are read.
\ir standing.sql
\set like_constraint_oid :constraint_oid
\ir count-orphans.sql
SELECT jsonb_build_object('orphans', :orphans, 'orphans_counted_at', clock_timestamp()) AS changes, :orphans > 0 AS orphaned \gset
\ir ../../ledger/change-pair.sql
\if :orphaned
\set outcome FAILED
\echo ✗ :orphans row(s) of :referencing have no row in :referenced; they are listed by: :list_sql
\endif
