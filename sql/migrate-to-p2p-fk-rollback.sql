-- Rolls back to the parent-level FK, from any state of a migration. If it was dropped, it is restored first, while the
-- partition-level FKs still exist; then what the migration added is dropped.
--
--   psql URL -v table=path -f sql/migrate-to-p2p-fk-rollback.sql
--
-- Also -v constraint=NAME, lock_timeout_ms=500, lock_tries=20, keep_indexes=off, allow_blocking_rollback=off. Can be run again:
-- it continues where it stopped. sql/README.md describes what it locks, and for how long.
\set ON_ERROR_STOP on
\ir psql/control/settings.sql
\set purpose rollback
\set resting_state rolling-back
\set gone_is_fine true
\ir psql/migration/find-foreign-key.sql
\if :found
\else
\echo ✓ Nothing to roll back: the parent-level FK is in place
\q
\endif
\ir catalog/server.sql
\ir psql/migration/pairing.sql
-- A rollback by an entry that is older than the database would leave pair FKs without a guard.
\ir psql/migration/read-ledger-entry.sql
\set findings '[]'
\set finding ledger-outdated
\ir psql/migration/finding.sql
SELECT :'findings'::jsonb <> '[]' AS refused,
       format('refused, nothing was changed: %s; %s', :'findings'::jsonb -> 0 ->> 'message', :'findings'::jsonb -> 0 ->> 'remedy') AS refusal \gset
\if :refused
\ir psql/control/refuse.sql
\endif
\ir psql/migration/open-migration.sql
SELECT :'migration_state' = 'running' AS refreshes \gset
\if :refreshes
\set pairs :pairing
\ir ledger/forget-pairs.sql
\ir ledger/add-pairs.sql
\ir ledger/refresh-pairs.sql
\endif
COMMIT;
\ir psql/migration/planned-pairs.sql
\set list :planned
\echo Rolling back :table_label → :referenced_label: :of_pairs, parent-level FK :constraint_label
\ir psql/steps/fence.sql

\ir psql/steps/standing-parent.sql
\set constraint_oid ''
\set came_back true
\if :parent_valid
\set came_back false
\echo Rolling back: the parent-level FK is still there; what was added is taken away
\else
\ir psql/steps/attached-pairs.sql
\ir psql/queries/rollback-strategy.sql
SELECT :'strategy' = 'not-valid' AS not_valid, :'strategy' = 'blocking' AND :'allow_blocking_rollback'::boolean AS blocking \gset
\if :not_valid
\echo Rolling back: the parent-level FK comes back first, while the partition-level FKs hold (online: NOT VALID first, then validated without blocking writes)
\elif :blocking
\echo Rolling back: the parent-level FK comes back first, while the partition-level FKs hold (blocking: writes wait while every row is checked)
\else
\echo Rolling back: the parent-level FK comes back first, while the partition-level FKs hold (online: valid FKs on the leaves first, then the parent attaches them without a scan)
\set list :attached
\set body ../pairs/restore-leaf.sql
\ir psql/control/each-pair.sql
\endif
\ir psql/steps/attach-parent.sql
\endif

\ir psql/migration/planned-pairs.sql
\set list :planned
\set body ../pairs/drop-foreign-key.sql
\ir psql/control/each-pair.sql
\ir psql/steps/drop-other-guards.sql
-- Counted in the ledger: an earlier run of this script has done some of it.
\ir ledger/count-dropped.sql
SELECT CASE :indexes WHEN 1 THEN 'index' ELSE 'indexes' END AS index_word \gset
\echo ✓ Dropped :foreign_keys partition-level FK constraints and :indexes :index_word
\ir psql/steps/verify-rolled-back.sql
\ir psql/control/confirm-on-standby.sql
\echo ✓ Parent-level FK is as it was: :constraint_label: :definition_label
\echo
\echo ✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓
\if :came_back
\echo The parent-level FK has its name, definition, comment and triggers as before. Its children on the leaves have their names; PostgreSQL chose the names of the others, and comments on children are not restored.
\else
\echo The parent-level FK has its name, definition, comment and triggers as before.
\endif
\ir psql/control/give-back.sql
