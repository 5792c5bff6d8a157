-- The verified drop (core/steps/verified-drop.ts): one transaction takes every lock or none, runs the gate again, drops the
-- parent FK, checks the result, deletes some rows in a savepoint, and commits only if all of that passed. With rehearse=on it
-- ends with ROLLBACK: proof that the drop will work, and nothing changed.
\ir ../../statements/lock-tables.sql
\set lock_sql :sql
\set lock_ways :ways
\set lock_nowait_first true
SELECT ceil(25 + 0.43 * :of) AS lock_held_ms \gset
\ir ../../statements/drop-parent-foreign-key.sql
\set change_sql :sql
-- The row-movement guards exist since the pair FKs do, unless one was dropped since. What each does is compared before the locks.
\set result '[]'
\if :guarded
\set pairs :planned
\set file ../../statements/create-row-movement-guard.sql
\ir ../control/rows.sql
\endif
\set seen_guards :result
SELECT jsonb_build_array(:'change_sql') || coalesce(jsonb_agg(g -> 'sql') FILTER (WHERE g -> 'stands' = 'false'), '[]') AS statements
  FROM jsonb_array_elements(:'result'::jsonb) g \gset
\set drop_statements :statements
-- While nothing is locked; under the locks it is only asked whether the indexes still exist.
\ir prove-lookups.sql
\if :{?no_indexes}
\else
\set no_indexes off
\endif
\set outcome '{}'
\ir ../../checks/delete-verdict.sql
\if :passed
\else
SELECT :'detail' AS refusal \gset
\set error_name GateFailed
\ir ../control/give-up.sql
\endif
\set lock_mode 'ACCESS EXCLUSIVE'
\set lock_relations :all_relations
SELECT jsonb_build_array(:'referencing_oid', :'referenced_oid') AS lock_named \gset
\set step DropParentForeignKey
\set pair ''
\set subject 'drop of the parent-level FK'
\set enter p2pfk.enter
\ir ../locks/lock.sql

-- From here on under ACCESS EXCLUSIVE.
\ir ../locks/unchanged-guards.sql
\set read_indexes false
\ir ../migration/pairing.sql
\ir ../locks/limit.sql
\ir ../../checks/firing-changes.sql
\ir ../migration/filled.sql
\ir ../migration/gate-findings.sql
\ir ../queries/gate-problems.sql
\if :open
\else
ROLLBACK;
SELECT format('the gate is not open any more: %s', :'problems') AS refusal \gset
\set error_name GateFailed
\ir ../control/give-up.sql
\endif

\ir ../../script/changed-triggers.sql
SELECT :'changed_triggers' <> '' AS is_doubtful, :'changed_triggers' AS refusal \gset
\if :is_doubtful
ROLLBACK;
\set error_name PartitionSetChanged
\ir ../control/give-up.sql
\endif

\ir ../locks/limit.sql
\set statements :drop_statements
\set as_caller true
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
\ir ../queries/budget-refusal.sql
\ir ../control/give-up.sql
\endif
\ir ../locks/limit.sql
\ir take-final-names.sql
\ir ../locks/limit.sql
\ir quick-checks.sql
SELECT :'check1'::boolean AND :'check2'::boolean AND :'check3'::boolean AS right_so_far \gset
\if :right_so_far
\else
ROLLBACK;
SELECT 'after the drop, still in its transaction: '
         || concat_ws('; ', CASE WHEN NOT :'check1'::boolean THEN :'detail1' END, CASE WHEN NOT :'check2'::boolean THEN :'detail2' END,
                      CASE WHEN NOT :'check3'::boolean THEN :'detail3' END) AS refusal \gset
\set error_name VerificationFailed
\ir ../control/give-up.sql
\endif

\ir ../locks/limit.sql
-- The parent FK is gone by now.
\set constraint_oid ''
SELECT least(:left_ms, :lock_timeout_ms * 0.1) AS probe_ms \gset
\ir probe.sql
SELECT format('the DELETE probe failed: %s', :'detail4') AS refusal \gset
\if :check4
\else
ROLLBACK;
\set error_name VerificationFailed
\ir ../control/give-up.sql
\endif

\set pair ''
\ir ../locks/limit.sql
\ir ../../ledger/forget-counts.sql
SELECT jsonb_build_object('dropped_at', clock_timestamp()) AS changes \gset
\ir ../../ledger/change-migration.sql
\if :rehearse
-- A rehearsal that took too long has not passed.
\ir ../locks/limit.sql
ROLLBACK;
\set locks_held false
SELECT greatest(1, round(extract(epoch FROM clock_timestamp() - :'lock_began_at'::timestamptz) * 1000)) AS locked_ms,
       concat_ws(E';\n', :'locked_by', (SELECT string_agg(r ->> 'sql', E';\n' ORDER BY n) FROM jsonb_array_elements(:'ran'::jsonb) WITH ORDINALITY e(r, n)), 'ROLLBACK') AS sql \gset
-- Nothing of it could be noted before its end. It belongs to the gate: nothing was dropped.
\set step VerifyGate
\set waited_ms :lock_wait_ms
\set blocked_ms :locked_ms
\set duration_ms :locked_ms
\set error ''
\ir ../../ledger/note-event.sql
\set waited_ms ''
\set blocked_ms ''
\else
\ir ../locks/record.sql
SELECT greatest(1, round(extract(epoch FROM clock_timestamp() - :'lock_began_at'::timestamptz) * 1000)) AS locked_ms \gset
\endif
