-- Step 2 of 4: checks the existing rows of each pair and marks its FK as valid.
--
--   psql URL -v table=path -f sql/migrate-to-p2p-fk-step2-validate.sql
--
-- Also -v constraint=NAME. Locks: SHARE UPDATE EXCLUSIVE on one referencing partition after the other: no reader and no writer
-- waits. Orphaned rows are reported, and the other pairs are still validated. Can be run again: it continues where it stopped.
\set ON_ERROR_STOP on
\ir psql/control/settings.sql
\set purpose continue
\ir psql/migration/find-foreign-key.sql
SELECT :'migration_state' = 'migrated' AS migrated \gset
\if :migrated
\echo ✓ Already migrated: the partition-level FKs are valid; nothing to do
\q
\endif
\ir catalog/server.sql
\ir psql/migration/open-migration.sql
COMMIT;
\ir psql/migration/planned-pairs.sql
\set list :planned

\set body ../pairs/validate-foreign-key.sql
\ir psql/control/each-pair.sql
SELECT :failures > 0 AS refused, :skipped > 0 AS some_there, :of - :skipped AS made,
       format('%s of %s partition-level FKs could not be validated: mend or delete the orphaned rows listed above, then run step 2 again; or go back with sql/migrate-to-p2p-fk-rollback.sql (-v keep_indexes=on leaves the indexes for the next try)', :failures, :of) AS refusal \gset
\if :refused
\set error_name OrphanedRows
\ir psql/control/give-up.sql
\endif
\ir psql/control/confirm-on-standby.sql
\if :some_there
\echo Successfully validated :made partition-level FK constraints (:skipped were valid already)
\else
\echo Successfully validated :made partition-level FK constraints
\endif
\echo ✓ No FK violations found - all data is valid
\ir psql/migration/rest.sql
\ir psql/control/give-back.sql
