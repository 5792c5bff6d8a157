-- The row-movement guard came with the drop of the parent FK, and goes now that it is back.
\set file ../statements/drop-row-movement-guard.sql
\ir rows.sql
SELECT :'result'::jsonb <> '[]' AS guarded, coalesce(:'result'::jsonb -> 0 ->> 'sql', '') AS change_sql,
       jsonb_build_array(:'referenced_oid') || coalesce((SELECT jsonb_agg(p -> 'referenced_oid') FROM jsonb_array_elements(:'planned'::jsonb) p), '[]') AS lock_relations \gset
\if :guarded
\ir ../statements/lock-referenced.sql
\set lock_sql :sql
\set lock_mode 'ACCESS EXCLUSIVE'
\set step DropPairForeignKeys
\set pair ''
\set enter p2pfk.enter_rollback
\set subject 'removal of the row-movement guard'
\ir lock.sql
SELECT :'change_sql' \gexec
\ir record.sql
\endif
