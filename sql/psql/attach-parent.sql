-- AttachParent: the parent FK is put back word for word, by the :strategy that the plan forecast.
\set step AttachParent
\set pair ''
\set enter p2pfk.enter_rollback
\set subject 'parent-level FK'
\set took_ms 0
\ir standing-parent.sql
\if :parent_stands
\else
SELECT :'strategy' = 'not-valid' AS not_valid, :'strategy' = 'blocking' AND :'allow_blocking_rollback'::boolean AS blocking,
       jsonb_build_array(:'referencing_oid', :'referenced_oid')
         || (SELECT jsonb_agg(x.oid) FROM jsonb_array_elements(:'planned'::jsonb) p, LATERAL (VALUES (p -> 'referencing_oid'), (p -> 'referenced_oid')) x(oid)) AS lock_relations \gset
\if :not_valid
\ir ../statements/add-parent-foreign-key-not-valid.sql
\else
\ir ../statements/add-parent-foreign-key.sql
\endif
\set change_sql :sql
SELECT jsonb_build_array(:'change_sql') AS statements, :'comment' <> '' AS has_comment \gset
\if :has_comment
\ir ../statements/comment-foreign-key.sql
SELECT :'statements'::jsonb || jsonb_build_array(:'sql') AS statements \gset
\endif
\set attach_statements :statements
\ir ../statements/lock-tables-for-attach.sql
\set lock_sql :sql
\set lock_mode 'SHARE ROW EXCLUSIVE'
\ir lock.sql
\if :blocking
SELECT set_config('statement_timeout', '0', true) AS ignored, set_config('enable_nestloop', 'on', true) AS ignored,
       set_config('enable_hashjoin', 'off', true) AS ignored, set_config('enable_mergejoin', 'off', true) AS ignored \gset
\else
-- Without a valid FK on each leaf the ADD would quietly scan while writes wait.
\set pairs :planned
\set file ../catalog/pair-states.sql
\ir rows.sql
SELECT NOT :'not_valid'::boolean AND count(*) FILTER (WHERE s -> 'leaf_constraint_validated' = 'true') < jsonb_array_length(:'planned'::jsonb) AS incomplete,
       'some partition has no valid FK to attach: run the rollback again' AS refusal,
       set_config('statement_timeout', greatest(:lock_timeout_ms, 10 * :writes_blocked_ms)::text, true) AS ignored,
       set_config('lock_timeout', greatest(:lock_timeout_ms, 10 * :writes_blocked_ms)::text, true) AS ignored
  FROM jsonb_array_elements(:'result'::jsonb) s \gset
\if :incomplete
ROLLBACK;
\set error_name RollbackFailed
\ir give-up.sql
\endif
\endif
\set statements :attach_statements
\ir attempt.sql
\if :failed
ROLLBACK;
\ir queries/restore-refusal.sql
\ir give-up.sql
\endif
\ir record.sql
\set took_ms :held_ms
\ir standing-parent.sql
\endif

\if :parent_valid
\else
\set constraint_oid :parent_oid
\ir ../statements/validate-foreign-key.sql
\set constraint_oid ''
\set validate_sql :sql
\set lock_sql ''
\set running_oid :parent_oid
\ir run-alone.sql
SELECT :took_ms AS before_ms \gset
\ir validate.sql
\ir run-alone-end.sql
\if :failed
\ir queries/restore-refusal.sql
\ir give-up.sql
\endif
SELECT :before_ms + :took_ms AS took_ms \gset
\endif
-- The drop is undone: a later drop of the same migration is another one.
SELECT jsonb_build_object('dropped_at', NULL) AS changes \gset
\ir ../ledger/change-migration.sql
\ir clock.sql
\echo ✓ Restored parent-level FK constraint: :constraint_label in :took
