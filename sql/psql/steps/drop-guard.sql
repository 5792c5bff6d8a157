-- The row-movement guard came with the drop of the parent FK, and goes now that it is back.
\set file ../../statements/drop-row-movement-guard.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS guarded, coalesce(:'result'::jsonb -> 0 ->> 'sql', '') AS change_sql \gset
\if :guarded
\ir ../../statements/lock-referenced.sql
\set lock_sql :sql
\set lock_mode 'ACCESS EXCLUSIVE'
\set lock_relations :referenced_relations
\set step DropPairForeignKeys
\set pair ''
\set enter p2pfk.enter_rollback
\set subject 'removal of the row-movement guard'
\ir ../locks/lock.sql
\ir ../locks/change.sql
\ir ../locks/record.sql
\endif
