-- AttachParent: restores the parent FK exactly as it was, with the :strategy that the plan forecast.
\set step AttachParent
\set pair ''
\set enter p2pfk.enter_rollback
\set subject 'parent-level FK'
\set took_ms 0
\ir standing-parent.sql
\if :parent_stands
\else
\if :not_valid
\ir ../../statements/add-parent-foreign-key-not-valid.sql
\else
\ir ../../statements/add-parent-foreign-key.sql
\endif
\set change_sql :sql
SELECT jsonb_build_array(:'change_sql') AS statements, :'comment' <> '' AS has_comment \gset
\if :has_comment
\ir ../../statements/comment-foreign-key.sql
SELECT :'statements'::jsonb || jsonb_build_array(:'sql') AS statements \gset
\endif
\set attach_statements :statements
-- exclusive: to attach a leaf's FK, PostgreSQL drops triggers under ACCESS EXCLUSIVE; it is taken first.
SELECT NOT :'blocking'::boolean
         AND (NOT :'not_valid'::boolean
              OR EXISTS (SELECT FROM jsonb_array_elements(:'attached'::jsonb) p WHERE p ->> 'root_constraint' <> :'constraint_name')) AS exclusive \gset
\if :exclusive
\ir ../../statements/lock-tables.sql
\set lock_ways :ways
\set lock_nowait_first true
\set lock_mode 'ACCESS EXCLUSIVE'
\else
\ir ../../statements/lock-tables-for-attach.sql
\set lock_mode 'SHARE ROW EXCLUSIVE'
\endif
\set lock_sql :sql
\set lock_relations :all_relations
SELECT jsonb_build_array(:'referencing_oid', :'referenced_oid') AS lock_named \gset
-- It may take longer than the budget only if the plan has announced that.
SELECT least(:writes_blocked_ms, :lock_timeout_ms / 2) AS lock_held_ms,
       CASE WHEN :'blocking'::boolean THEN 2000000000
            WHEN :writes_blocked_ms > :lock_timeout_ms THEN 10 * :writes_blocked_ms ELSE :lock_timeout_ms END AS lock_allowed_ms \gset
\ir ../locks/lock.sql
\if :blocking
SELECT set_config('enable_nestloop', 'on', true) AS ignored,
       set_config('enable_hashjoin', 'off', true) AS ignored, set_config('enable_mergejoin', 'off', true) AS ignored \gset
\else
\set pairs :attached
\set file ../../catalog/pair-states.sql
\ir ../control/rows.sql
-- incomplete: without a valid FK on each leaf the ADD would quietly scan while writes wait. On 18+ leaves whose child
-- of the parent FK had a name of its own get it back first, for the parent FK to attach.
SELECT NOT :'not_valid'::boolean
         AND count(*) FILTER (WHERE s -> 'leaf_constraint_validated' = 'true') < jsonb_array_length(:'attached'::jsonb) AS incomplete,
       'some partition has no valid FK to attach: run the rollback again' AS refusal,
       coalesce((SELECT jsonb_agg(p)
                   FROM jsonb_array_elements(:'attached'::jsonb) p
                   JOIN jsonb_array_elements(:'result'::jsonb) x ON x -> 'pair' = p -> 'pair' AND x -> 'leaf_constraint_oid' = 'null'
                  WHERE :'not_valid'::boolean AND p ->> 'root_constraint' <> :'constraint_name'), '[]') AS pairs
  FROM jsonb_array_elements(:'result'::jsonb) s \gset
\if :incomplete
ROLLBACK;
\set error_name RollbackFailed
\ir ../control/give-up.sql
\endif
\set file ../../statements/add-leaf-foreign-key.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(s -> 'sql'), '[]') || :'attach_statements'::jsonb AS attach_statements
  FROM jsonb_array_elements(:'result'::jsonb) s \gset
\endif
\ir ../locks/limit.sql
\set statements :attach_statements
\set as_caller true
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
\ir ../queries/restore-refusal.sql
\ir ../control/give-up.sql
\endif
\set file ../../statements/restore-firing-modes.sql
\ir ../control/rows.sql
SELECT jsonb_agg(s -> 'sql') AS statements, count(*) > 0 AS some FROM jsonb_array_elements(:'result'::jsonb) s \gset
\if :some
\set as_caller true
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
\ir ../queries/restore-refusal.sql
\ir ../control/give-up.sql
\endif
\endif
\ir ../locks/record.sql
\set lock_allowed_ms :lock_timeout_ms
\set took_ms :held_ms
\ir standing-parent.sql
\endif

\if :parent_valid
\else
\set constraint_oid :parent_oid
\ir ../../statements/validate-foreign-key.sql
\set constraint_oid ''
\set validate_sql :sql
\set validate_name :constraint_name
\set reached_oid :referenced_oid
\set running_oid :parent_oid
\ir ../locks/run-alone.sql
SELECT :took_ms AS before_ms \gset
\ir ../locks/validate.sql
\ir ../locks/run-alone-end.sql
\if :failed
\ir ../queries/restore-refusal.sql
\ir ../control/give-up.sql
\endif
SELECT :before_ms + :took_ms AS took_ms \gset
\endif
-- The drop is undone: a later drop of the same migration is another one.
SELECT jsonb_build_object('dropped_at', NULL) AS changes \gset
\ir ../../ledger/change-migration.sql
\ir ../control/clock.sql
\echo ✓ Restored parent-level FK constraint: :constraint_label in :took
