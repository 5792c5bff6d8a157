-- RestoreParent, for one referencing leaf (strategy attach): adds an FK to the referenced parent, NOT VALID, and validates it.
-- The parent FK attaches these FKs afterwards without a scan. The pair FKs still exist meanwhile.
\ir standing.sql
\set step RestoreParent
\set enter p2pfk.enter_rollback
-- A pair FK that has taken the parent FK's name gives it up first (core/steps/rollback/free-parent-name.ts).
SELECT :'stands'::boolean AND coalesce(:'pairs'::jsonb -> 0 ->> 'former_name' <> :'standing_name', false) AS renamed,
       :'pairs'::jsonb -> 0 ->> 'former_name' AS former_name,
       :'constraint_added'::boolean AND :'actions' ~ ' DEFERRABLE$' AS defers \gset
\if :renamed
\ir free-parent-name.sql
\endif
SELECT format('parent coverage for %s', :'referencing') AS subject,
       jsonb_build_array(:'pair_referencing_oid') || :'referenced_relations'::jsonb AS lock_relations,
       jsonb_build_array(:'pair_referencing_oid', :'referenced_oid') AS lock_named \gset
\if :leaf_stands
\else
\ir ../../statements/lock-leaf.sql
\set lock_sql :sql
\ir ../../statements/add-leaf-foreign-key.sql
\set change_sql :sql
\set lock_mode 'SHARE ROW EXCLUSIVE'
\ir ../locks/lock.sql
\ir ../locks/change.sql
\ir ../locks/record.sql
\ir standing.sql
\endif
\set took_ms 0
\if :leaf_valid
\else
\set constraint_oid :leaf_oid
\ir ../../statements/validate-foreign-key.sql
\set constraint_oid ''
\set validate_sql :sql
\set validate_name :leaf_name
\set reached_oid :referenced_oid
\set running_oid :leaf_oid
\ir ../locks/run-alone.sql
\ir ../locks/validate.sql
\ir ../locks/run-alone-end.sql
\if :failed
\ir ../queries/restore-refusal.sql
\ir ../control/give-up.sql
\endif
\endif
SELECT jsonb_build_object('state', 'restored') AS changes \gset
\ir ../../ledger/change-pair.sql
\ir ../control/clock.sql
\echo [:n/:of] ✓ Parent covers partition again: :referencing in :took
