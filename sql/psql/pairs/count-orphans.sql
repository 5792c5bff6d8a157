-- Counts the orphans of this turn's pair into :orphans (empty: no FK tells how to compare); :list_sql lists them.
SELECT :'named'::jsonb -> 0 ->> 'referencing_oid' AS read_oid \gset
\ir ../control/untrusted-code.sql
\if :refused
\set error_name UntrustedCode
\ir ../control/give-up.sql
\endif
\set pairs :named
\set file ../../checks/orphans.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS comparable, coalesce(:'result'::jsonb -> 0 ->> 'sql', '') AS sql,
       replace(coalesce(:'result'::jsonb -> 0 ->> 'sql', ''), 'SELECT count(*) AS orphans', 'SELECT f.*') AS list_sql \gset
\set text :list_sql
\ir ../control/visible-sql.sql
\set list_sql :visible
\set orphans ''
\if :comparable
\set kinds 'view, foreign-table'
\ir ../../checks/tables-only.sql
:sql \gset
\set kinds ''
\ir ../../checks/tables-only.sql
\endif
