-- ValidateForeignKeys, for one pair: checks the existing rows and marks the FK as valid. Blocks no reader and no writer.
\ir standing.sql
\set step ValidateForeignKeys
\if :stands
\else
SELECT format('%s has no pair FK to %s: run step 1 again', :'referencing', :'referenced') AS refusal \gset
\set error_name GateFailed
\ir ../control/give-up.sql
\endif
\if :validated
SELECT CASE WHEN :'pair_state' <> 'validated' THEN jsonb_build_object('state', 'validated') ELSE '{}' END AS changes \gset
\ir ../../ledger/change-pair.sql
\set outcome SKIPPED
\echo [:n/:of] ✓ FK for :referencing is valid already
\q
\endif

\set pairs :named
\ir ../../statements/validate-pair-foreign-key.sql
\set validate_sql :sql
SELECT format('validation of %s', :'referencing') AS subject \gset
\set running_oid :standing_oid
\set validate_name :standing_name
\set reached_oid :pair_referenced_oid
\set enter p2pfk.enter
\ir ../locks/run-alone.sql
\ir ../locks/validate.sql
\ir ../locks/run-alone-end.sql
\if :failed
SELECT :'sqlstate' = '23503' AS orphaned, format('%s: %s', :'subject', :'failure') AS refusal \gset
\if :orphaned
\set like_constraint_oid :standing_oid
\ir count-orphans.sql
SELECT m.message, regexp_replace(m.message, :'unprintable', '?', 'g') AS message_label, jsonb_build_object('attempts', 1, 'last_error', m.message) AS changes
  FROM format('%s row(s) of %s have no row in %s; they are listed by: %s',
              :'orphans', :'referencing', :'referenced', :'list_sql') AS m(message) \gset
\ir ../../ledger/change-pair.sql
\set outcome FAILED
\echo [:n/:of] ✗ :message_label
\q
\endif
\set error_name StatementFailed
\ir ../control/give-up.sql
\endif
\ir ../../ledger/last-event.sql
SELECT jsonb_build_object('state', 'validated', 'validate_ms', :duration_ms, 'lock_wait_ms', :lock_wait_ms) AS changes,
       :duration_ms AS took_ms \gset
\ir ../../ledger/change-pair.sql
\ir ../control/clock.sql
\echo [:n/:of] ✓ Validated FK for :referencing (:pair_rows rows) in :took
