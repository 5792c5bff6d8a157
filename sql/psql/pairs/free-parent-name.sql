-- RestoreParent, first half for one pair: its FK gives up the parent FK's name, and is checked at COMMIT from then on.
\set ledger_pairs :pairs
\set change_sql ''
\set pairs :named
\set file ../../statements/rename-pair-foreign-key-back.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS can_rename \gset
\if :can_rename
SELECT :'result'::jsonb -> 0 ->> 'sql' AS change_sql,
       jsonb_build_array((:'named'::jsonb -> 0) || jsonb_build_object('constraint_name', :'former_name')) AS former_pairs \gset
\ir ../../statements/lock-pair-for-drop.sql
\set lock_sql :sql
SELECT jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_relations,
       jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_named,
       format('name of the FK of %s', :'referencing') AS subject \gset
\set lock_mode 'ACCESS EXCLUSIVE'
\ir ../locks/lock.sql
\ir ../locks/change.sql
\set pairs :former_pairs
\if :defers
\ir ../../statements/defer-pair-foreign-key.sql
\set change_sql :sql
\ir ../locks/change.sql
\endif
SELECT jsonb_build_array((:'former_pairs'::jsonb -> 0) || jsonb_build_object('former_name', NULL)) AS pairs \gset
\ir ../../ledger/rename-pairs.sql
\ir ../locks/record.sql
\endif
\set pairs :ledger_pairs
\ir standing.sql
