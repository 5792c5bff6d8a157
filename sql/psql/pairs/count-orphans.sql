-- Counts the orphans of this turn's pair into :orphans (empty: no FK determines the comparison); :list_sql lists them.
\set pairs :named
\set file ../../checks/orphans.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS comparable, coalesce(:'result'::jsonb -> 0 ->> 'sql', '') AS sql, :'result' AS countable,
       :'result'::jsonb -> 0 ->> 'referencing_oid' AS read_oid, :'result'::jsonb -> 0 ->> 'referenced_oid' AS reached_oid,
       jsonb_build_array(:'result'::jsonb -> 0 -> 'referencing_oid', :'result'::jsonb -> 0 -> 'referenced_oid') AS relations,
       replace(coalesce(:'result'::jsonb -> 0 ->> 'sql', ''), 'SELECT count(*) AS orphans', 'SELECT f.*') AS list_sql \gset
\set text :list_sql
\ir ../control/visible-sql.sql
\set list_sql :visible
\set orphans ''
\if :comparable
\set kinds 'view, foreign-table'
\ir ../../checks/tables-only.sql
\ir ../control/may-change-code.sql
SELECT :'countable'::jsonb -> 0 ->> CASE WHEN :'by_owner'::boolean THEN 'code_lock_sql' ELSE 'lock_sql' END AS count_lock \gset
-- Behind this lock no name can lead to another table any more.
BEGIN;
:count_lock;
\set count_sql :sql
\set file ../../checks/not-locked.sql
\ir ../control/rows.sql
SELECT :'result' <> '[]' AS other_table \gset
\if :other_table
ROLLBACK;
\set error_name PartitionSetChanged
\set refusal 'refused, nothing was changed: a table was renamed, and its name belongs to another one now'
\ir ../control/give-up.sql
\endif
\ir ../control/untrusted-code.sql
\if :refused
ROLLBACK;
\set error_name UntrustedCode
\ir ../control/give-up.sql
\endif
:count_sql \gset
COMMIT;
\set kinds ''
\ir ../../checks/tables-only.sql
\endif
