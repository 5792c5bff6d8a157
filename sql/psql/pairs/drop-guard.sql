-- One row-movement guard that is left, in a transaction of its own.
\ir ../../statements/lock-guard-for-drop.sql
\set lock_sql :sql
\set file ../../statements/drop-row-movement-guard.sql
\ir ../control/rows.sql
SELECT string_agg(s ->> 'sql', E';\n') AS change_sql FROM jsonb_array_elements(:'result'::jsonb) s \gset
\set lock_mode 'ACCESS EXCLUSIVE'
\set lock_relations :referenced_relations
\set step DropPairForeignKeys
\set pair ''
\set enter p2pfk.enter_rollback
\set subject 'removal of the row-movement guard'
\ir ../locks/lock.sql
\ir ../locks/change.sql
\ir ../locks/record.sql
