-- Step 3 of 4: the gate (the same partitions as planned, every pair FK valid and enforced, no orphan), then the verified drop
-- of the parent-level FK. Refused before step 2 is complete: nothing changes then.
--
--   psql URL -v table=path -f sql/migrate-to-p2p-fk-step3-drop-parent-fk.sql
--
-- Also -v constraint=NAME, lock_timeout_ms=500, lock_tries=20, row_movement_guard=on, rehearse=off. Locks: ACCESS EXCLUSIVE
-- on both tables and all partitions, for milliseconds. Can be run again.
\set ON_ERROR_STOP on
\ir psql/control/settings.sql
\set purpose continue
\ir psql/migration/find-foreign-key.sql
SELECT :'migration_state' = 'migrated' OR :'constraint_oid' = '' AND :'migration_state' <> 'rolling-back' AS dropped \gset
\if :dropped
\echo ✓ Parent-level FK constraint was dropped before
\q
\endif
\ir psql/migration/open-migration.sql
COMMIT;
SELECT coalesce(m.options ->> 'approverMustDiffer' = 'true', false) AND NOT :'rehearse'::boolean AS waits,
       'this migration was started with the demand that another person approves the drop, which a script cannot wait for: go on with p2pfk migrate, and approve it with p2pfk approve' AS refusal
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint \gset
\if :waits
\set error_name ApprovalNeeded
\ir psql/control/give-up.sql
\endif
\ir psql/migration/planned-pairs.sql
\ir psql/migration/pairing.sql
\ir checks/firing-changes.sql
\ir psql/migration/filled.sql
\ir psql/migration/gate-findings.sql
\ir psql/queries/gate-problems.sql
\if :open
\else
\echo ✗ Preflight check failed: the parent-level FK stays
SELECT format('%s; %s', :'problems', :'remedy') AS refusal \gset
\set error_name GateFailed
\ir psql/control/give-up.sql
\endif
\ir script/note-triggers.sql
\set list :planned
\set body ../pairs/count-for-gate.sql
\ir psql/control/each-pair.sql
SELECT :failures > 0 AS refused,
       format('orphaned rows below valid foreign keys in %s of %s pairs; they came in under session_replication_role = replica or with triggers disabled', :failures, :of) AS refusal \gset
\if :refused
\echo ✗ Preflight check failed: the parent-level FK stays
\set error_name GateFailed
\ir psql/control/give-up.sql
\endif
\ir psql/steps/new-findings.sql
\echo ✓ Preflight check passed: All :of partition-level FKs are VALID
\if :rehearse
\ir psql/steps/verified-drop.sql
SELECT regexp_replace(:'detail4', :'unprintable', '?', 'g') AS label4 \gset
\echo ✓ Rehearsed: the drop was rehearsed and rolled back: :locked_ms ms under lock, 4 checks passed, :label4; nothing was changed, and the parent foreign key is in place
\else
\echo Found parent-level FK constraint: :constraint_label
\ir psql/steps/verified-drop.sql
\ir psql/control/confirm-on-standby.sql
\echo ✓ Successfully dropped parent-level FK constraint
\echo '  exclusive locks held for' :locked_ms ms
SELECT jsonb_build_object('locked_ms', :locked_ms) AS changes \gset
-- A note: what the ledger makes of it undoes nothing.
\set ON_ERROR_STOP off
\ir ledger/change-migration.sql
\set ON_ERROR_STOP on
\endif
\ir psql/migration/rest.sql
\ir psql/control/give-back.sql
