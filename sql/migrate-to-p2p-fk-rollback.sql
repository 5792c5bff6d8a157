-- Back to the parent-level FK, from any state of a migration. Where it was dropped it comes back first, while the
-- partition-level FKs still hold; then what the migration added is taken away.
--
--   psql URL -v table=path -f sql/migrate-to-p2p-fk-rollback.sql
--
-- Also -v constraint=NAME, lock_timeout_ms=500, lock_tries=20, keep_indexes=off, allow_blocking_rollback=off. Can be run
-- again: it goes on where it stopped. What it locks, and for how long, is told in sql/README.md.
\set ON_ERROR_STOP on
\ir psql/settings.sql
\set purpose rollback
\set resting_state rolling-back
\set gone_is_fine true
\ir psql/find-foreign-key.sql
\if :found
\else
\echo ✓ Nothing to roll back: the parent-level FK stands
\q
\endif
\ir catalog/server.sql
\ir psql/pairing.sql
\ir psql/open-migration.sql
SELECT :'migration_state' = 'running' AS refreshes \gset
\if :refreshes
\set pairs :pairing
\ir ledger/forget-pairs.sql
\ir ledger/add-pairs.sql
\ir ledger/refresh-pairs.sql
\endif
COMMIT;
\ir psql/planned-pairs.sql
\set list :planned
SELECT jsonb_array_length(:'list'::jsonb) AS of, CASE jsonb_array_length(:'list'::jsonb) WHEN 1 THEN 'pair' ELSE 'pairs' END AS pairs_word \gset
\echo Rolling back :table_label → :referenced_label: :of :pairs_word, parent-level FK :constraint_label
\ir psql/fence.sql

\ir psql/standing-parent.sql
\set constraint_oid ''
\if :parent_valid
\echo Rolling back: the parent-level FK still stands; what was added is taken away
\else
\ir psql/queries/rollback-strategy.sql
SELECT :'strategy' = 'not-valid' AS not_valid, :'strategy' = 'blocking' AND :'allow_blocking_rollback'::boolean AS blocking, :'parent_stands'::boolean AS no_leaves \gset
\if :not_valid
\echo Rolling back: the parent-level FK comes back first, while the partition-level FKs hold (online: NOT VALID first, then validated without blocking writes)
\elif :blocking
\echo Rolling back: the parent-level FK comes back first, while the partition-level FKs hold (blocking: writes wait while every row is checked)
\else
\echo Rolling back: the parent-level FK comes back first, while the partition-level FKs hold (online: valid FKs on the leaves first, then the parent attaches them without a scan)
\set body pairs/restore-leaf.sql
\ir psql/each-pair.sql
\endif
\ir psql/attach-parent.sql
\endif

\ir psql/drop-guard.sql
\ir psql/planned-pairs.sql
\set list :planned
\set dropped_constraints 0
\set dropped_indexes 0
\set body pairs/drop-foreign-key.sql
\ir psql/each-pair.sql
SELECT CASE :dropped_indexes WHEN 1 THEN 'index' ELSE 'indexes' END AS index_word \gset
\echo ✓ Dropped :dropped_constraints partition-level FK constraints and :dropped_indexes :index_word
\ir psql/verify-rolled-back.sql
SELECT regexp_replace(:'definition', '[[:cntrl:]]', '?', 'g') AS definition_label \gset
\echo ✓ Parent-level FK is as it was: :constraint_label: :definition_label
\echo
\echo ✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓
