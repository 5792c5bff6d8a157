-- AddForeignKeys, one pair: its FK, NOT VALID, in a transaction of its own. From its COMMIT on every new row is checked by
-- both kinds of FK.
\ir standing.sql
\if :stands
SELECT CASE WHEN :'pair_state' IN ('planned', 'indexed')
            THEN jsonb_build_object('state', 'added', 'constraint_name', :'standing_name') ELSE '{}' END AS changes \gset
\ir ../../ledger/change-pair.sql
\set outcome SKIPPED
\echo [:n/:of] ✓ FK is there for partition: :referencing → :referenced
\q
\endif

\set pairs :named
\ir ../../statements/lock-pair.sql
\set lock_sql :sql
\ir ../../statements/add-pair-foreign-key.sql
\set change_sql :sql
SELECT jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_relations,
       format('FK for %s', :'referencing') AS subject \gset
\set lock_mode 'SHARE ROW EXCLUSIVE'
\set step AddForeignKeys
\set enter p2pfk.enter
\ir ../locks/lock.sql
\ir ../locks/change.sql
-- In the same transaction: a rollback knows exactly which constraints are ours to drop.
SELECT jsonb_build_object('state', 'added', 'constraint_name', :'standing_name', 'constraint_added', true) AS changes \gset
\ir ../../ledger/change-pair.sql
\ir ../locks/record.sql
SELECT jsonb_build_object('lock_wait_ms', :lock_wait_ms, 'add_ms', :held_ms) AS changes \gset
\ir ../../ledger/change-pair.sql
\echo [:n/:of] ✓ Added NOT VALID FK for partition: :referencing → :referenced
