-- One row-movement guard that is left, in a transaction of its own.
\ir ../../statements/lock-guard-for-drop.sql
\set lock_sql :sql
\set file ../../statements/drop-row-movement-guard.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(s -> 'sql'), '[]') AS change_statements FROM jsonb_array_elements(:'result'::jsonb) s \gset
\set lock_mode 'ACCESS EXCLUSIVE'
\set lock_relations :referenced_relations
\set lock_named '[]'
\set step DropPairForeignKeys
\set pair ''
\set enter p2pfk.enter_rollback
\set subject 'removal of the row-movement guard'
\ir ../locks/lock.sql
\set statements :change_statements
\ir ../locks/change-all.sql
\ir ../locks/record.sql
