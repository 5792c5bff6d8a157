-- Step 1 of 4: builds an index for each pair where none serves (CONCURRENTLY), then adds each pair's FK, NOT VALID.
--
--   psql URL -v table=path -f sql/migrate-to-p2p-fk-step1-add-partition-fks.sql
--
-- Also -v constraint=NAME, lock_timeout_ms=500, lock_tries=20, row_movement_guard=on, no_indexes=off, allow_blocking_rollback=off.
-- Locks: SHARE ROW EXCLUSIVE on one pair after the other, for milliseconds. Can be run again. See sql/README.md.
\set ON_ERROR_STOP on
\ir psql/control/settings.sql
\set purpose migrate
\ir psql/migration/find-foreign-key.sql
\ir psql/migration/pairing.sql
SELECT :'constraint_oid' = '' AND :'migration_state' IN ('', 'migrated')
         AND coalesce(bool_and(p -> 'validated' = 'true' AND p -> 'enforced' = 'true'), false) AS migrated
  FROM jsonb_array_elements(:'pairing'::jsonb) p \gset
\if :migrated
-- Nothing is left to do for this script, which does not mean that all is well.
\set findings '[]'
\ir psql/migration/ledger-findings.sql
SELECT coalesce(string_agg(format('[%s] %s; %s', f ->> 'id', f ->> 'message', f ->> 'remedy'), ' | ') FILTER (WHERE f ->> 'severity' = 'error'), '') AS refusal,
       count(*) FILTER (WHERE f ->> 'severity' = 'error') > 0 AS refused,
       coalesce(string_agg(regexp_replace(format('! %s; %s', f ->> 'message', f ->> 'remedy'), :'unprintable', '?', 'g'), E'\n') FILTER (WHERE f ->> 'severity' <> 'error'), '') AS warnings,
       count(*) FILTER (WHERE f ->> 'severity' <> 'error') > 0 AS warned
  FROM jsonb_array_elements(:'findings'::jsonb) f \gset
\if :refused
SELECT 'refused, nothing was changed: ' || :'refusal' AS refusal \gset
\ir psql/control/refuse.sql
\endif
\if :warned
\echo :warnings
\endif
\echo ✓ Already migrated: the partition-level FKs hold and there is no parent-level FK; nothing to do
\q
\endif
\ir psql/migration/preflight.sql

-- Dropped and not yet verified: what was attached since is not this migration's (core/ledger/migrations.ts).
SELECT :'constraint_oid' = '' AND :'migration_state' NOT IN ('', 'migrated') AS is_fixed \gset
\ir psql/migration/open-migration.sql
\set pairs :pairing
\if :is_fixed
\else
\ir ledger/forget-pairs.sql
\ir ledger/add-pairs.sql
\endif
\ir ledger/refresh-pairs.sql
COMMIT;
\ir psql/steps/release-pairs.sql
\ir psql/migration/planned-pairs.sql
\set list :planned

\echo Migrating :table_label → :referenced_label: :of_pairs, parent-level FK :constraint_label

\set body ../pairs/build-index.sql
\ir psql/control/each-pair.sql
SELECT :skipped = :of AS all_there, :skipped > 0 AS some_there, :of - :skipped AS made,
       CASE :of - :skipped WHEN 1 THEN 'index' ELSE 'indexes' END AS index_word \gset
\if :no_indexes
\echo No index was built, as wanted: a DELETE scans each partition that has none
\elif :all_there
\echo All :of referencing partitions have an index on the FK columns
\elif :some_there
\echo Successfully built :made :index_word (:skipped were there already)
\else
\echo Successfully built :made :index_word
\endif

\set body ../pairs/add-foreign-key.sql
\ir psql/control/each-pair.sql
\ir psql/control/confirm-on-standby.sql
SELECT :skipped > 0 AS some_there, :of - :skipped AS made \gset
\if :some_there
\echo Successfully added :made partition-level FK constraints (:skipped were there already)
\else
\echo Successfully added :made partition-level FK constraints
\endif
\ir psql/migration/rest.sql
\ir psql/control/give-back.sql
