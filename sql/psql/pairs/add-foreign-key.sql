-- AddForeignKeys, for one pair: adds the row-movement guard of its referenced leaf where that has none yet, then its FK, NOT
-- VALID, in one transaction. From its COMMIT on, both kinds of FK check every new row.
\ir standing.sql
\set guard '[]'
\if :guarded
\set file ../../statements/create-row-movement-guard.sql
\ir ../control/rows.sql
\set guard :result
\endif
SELECT coalesce(jsonb_agg(g -> 'sql'), '[]') AS guard_statements, count(*) = 0 AS has_guard
  FROM jsonb_array_elements(:'guard'::jsonb) g
 WHERE g -> 'stands' = 'false' \gset
-- One of ours that does not fire as the parent FK does by now is brought up to date; one that was there before is not touched.
SELECT :'has_guard'::boolean AND (:'enforced'::boolean OR NOT :'constraint_added'::boolean) AS up_to_date \gset
\set stood :stands
\if :stands
SELECT CASE WHEN :'pair_state' IN ('planned', 'indexed')
            THEN jsonb_build_object('state', 'added', 'constraint_name', :'standing_name') ELSE '{}' END AS changes \gset
\ir ../../ledger/change-pair.sql
\set outcome SKIPPED
\echo [:n/:of] ✓ FK is there for partition: :referencing → :referenced
\if :up_to_date
\q
\endif
\endif

\set pairs :named
\ir ../../statements/lock-pair.sql
\set lock_sql :sql
\ir ../../statements/add-pair-foreign-key.sql
-- The guard first: as soon as the pair FK exists, its ON DELETE acts on the referencing rows of a row that moves away.
SELECT :'guard_statements'::jsonb || CASE WHEN NOT :'stands'::boolean THEN jsonb_build_array(:'sql') ELSE '[]' END AS change_statements,
       jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_relations,
       jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_named,
       format('FK for %s', :'referencing') AS subject \gset
\set lock_mode 'SHARE ROW EXCLUSIVE'
\set step AddForeignKeys
\set enter p2pfk.enter
\ir ../locks/lock.sql
\set seen_guards :guard
\ir ../locks/unchanged-guards.sql
\set pairs :named
SELECT :'change_statements' <> '[]' AS changes_something \gset
\if :changes_something
\set statements :change_statements
\ir ../locks/change-all.sql
\endif
SELECT NOT :'stood'::boolean OR :'constraint_added'::boolean AS is_ours \gset
\if :is_ours
\ir copy-firing-modes.sql
\endif
\if :stood
\ir ../locks/record.sql
\q
\endif
-- In the same transaction: a rollback knows exactly which constraints are ours to drop.
SELECT jsonb_build_object('state', 'added', 'constraint_name', :'standing_name', 'constraint_added', true) AS changes \gset
\ir ../../ledger/change-pair.sql
\ir ../locks/record.sql
SELECT jsonb_build_object('lock_wait_ms', :lock_wait_ms, 'add_ms', :held_ms) AS changes \gset
\ir ../../ledger/change-pair.sql
\echo [:n/:of] ✓ Added NOT VALID FK for partition: :referencing → :referenced
