-- Step 4 of 4: the six checks. Examines the database as it is; changes nothing except the ledger's note that the migration is
-- complete.
--
--   psql URL -v table=path -f sql/migrate-to-p2p-fk-step4-verify.sql
--
-- Also -v constraint=NAME. The DELETE of check 4 runs in a transaction that is rolled back, for half a second at most. Works with
-- a role that can only read, at any time, even where no ledger has the migration.
\set ON_ERROR_STOP on
\ir psql/control/settings.sql
\set purpose verify
\ir psql/migration/find-foreign-key.sql
\ir psql/migration/pairing.sql
\set pairs :pairing
\unset refusal
\ir checks/not-migrated.sql
\if :{?refusal}
\ir psql/control/refuse.sql
\endif
\ir psql/steps/judged-pairs.sql
\ir psql/steps/quick-checks.sql
-- A pair FK acts on rows that an UPDATE moves to another partition, unless the row-movement guard refuses that.
\ir psql/migration/read-ledger-entry.sql
\ir psql/steps/late-triggers.sql
\ir psql/queries/unguarded.sql
-- No fault of this migration, and yet TRUNCATE and DETACH go on as before because of them: so they are named here.
\set findings '[]'
\set finding other-foreign-keys
\ir psql/migration/finding.sql
SELECT :'detail2' || coalesce('. Note: ' || (:'findings'::jsonb -> 0 ->> 'message'), '') AS detail2 \gset
\set findings '[]'
\set finding ledger-missing
\ir psql/migration/finding.sql
SELECT :'detail2' || coalesce((SELECT format('. Note: %s; %s', f ->> 'message', f ->> 'remedy') FROM jsonb_array_elements(:'findings'::jsonb) f WHERE :'check2'::boolean), '') AS detail2 \gset
SELECT regexp_replace(:'detail1', :'unprintable', '?', 'g') AS label1, regexp_replace(:'detail2', :'unprintable', '?', 'g') AS label2,
       regexp_replace(:'detail3', :'unprintable', '?', 'g') AS label3 \gset
\if :check1
\echo '[1/6] Checking partition-level FK constraints...  ' :label1
\else
\echo '[1/6] Checking partition-level FK constraints...  ' ✗ FAIL: :label1
\endif
\if :check2
\echo '[2/6] Checking for parent-level FK...             ' ✓ PASS: :label2
\else
\echo '[2/6] Checking for parent-level FK...             ' ✗ FAIL: :label2
\endif
\if :check3
\echo '[3/6] Verifying FK targets...                     ' ✓ PASS: :label3
\else
\echo '[3/6] Verifying FK targets...                     ' ✗ FAIL: :label3
\endif

\ir psql/steps/prove-lookups.sql
BEGIN;
\set probe_ms 500
\ir psql/steps/probe.sql
ROLLBACK;
SELECT regexp_replace(:'detail4', :'unprintable', '?', 'g') AS label4 \gset
\if :check4
\echo '[4/6] Testing DELETE performance...               ' ✓ :label4 '  ✓ PASS'
\else
\echo '[4/6] Testing DELETE performance...               ' ✗ FAIL: :label4
\endif

\set list :pairing
\set counts '[]'
-- A foreign key tells how to compare: the pair's own, else the parent FK, else that of any other pair.
SELECT coalesce(nullif(:'constraint_oid', ''), min(e ->> 'constraint_oid'), '') AS like_constraint_oid
  FROM jsonb_array_elements(:'pairing'::jsonb) e \gset
\set body ../pairs/count-for-verify.sql
\ir psql/control/each-pair.sql
\ir psql/migration/filled.sql
\ir psql/queries/last-checks.sql
\if :check5
\echo '[5/6] Verifying data integrity...                 ' ✓ PASS: :label5
\else
\echo '[5/6] Verifying data integrity...                 ' ✗ FAIL: :label5
\endif
\if :check6
\echo [6/6] Listing all partition-to-partition FK constraints...
\else
\echo '[6/6] Listing all partition-to-partition FK constraints...  ' ✗ FAIL
\endif
\echo :inventory

-- Dropped and not yet called migrated: the ledger is told, where this role may and nobody else is at work.
SELECT CASE WHEN :'migration_id' <> '' AND :'migration_state' IN ('running', 'paused') AND :'constraint_oid' = '' AND NOT pg_is_in_recovery()
            THEN has_table_privilege('p2pfk.migration', 'UPDATE') ELSE false END AS notes \gset
\if :notes
-- An older ledger becomes the newest, and one that is not as its version has it is refused before anything is written to it.
\ir psql/migration/make-ledger.sql
\ir psql/control/hold-key.sql
\set file ../../ledger/take-over.sql
\ir psql/control/rows.sql
SELECT :'result'::jsonb <> '[]' AS notes,
       jsonb_build_object('verification', :'verification'::jsonb, 'state', CASE WHEN :'passed'::boolean THEN 'migrated' ELSE 'paused' END)
         || CASE WHEN :'passed'::boolean THEN jsonb_build_object('finished_at', clock_timestamp()) ELSE '{}' END AS changes \gset
\if :notes
\ir ledger/change-migration.sql
\ir psql/control/confirm-on-standby.sql
\endif
\endif

\echo
\if :passed
\echo ✓✓✓ MIGRATION SUCCESSFUL ✓✓✓
\else
\echo ✗✗✗ VERIFICATION FAILED: :failed of 6 checks ✗✗✗
SELECT format('verification failed: %s', :'failures') AS refusal \gset
\ir psql/control/refuse.sql
\endif
\ir psql/control/give-back.sql
