-- Parameters of the findings that compare the catalog with the ledger, as core/checks/preflight/sql-findings.ts has them:
-- :ledger, :guards and :table_argument. Needs the foreign key and :pairing; sets :pairs to it.
\set result '[]'
\if :readable
\set file ../../ledger/entry.sql
\ir ../control/rows.sql
\endif
SELECT jsonb_build_object('present', :'has_tables'::boolean, 'readable', :'readable'::boolean, 'is_copy', :'is_copy'::boolean,
                          'entry', :'result'::jsonb -> 0) AS ledger,
       CASE WHEN :'table' ~ '^[A-Za-z0-9_.]+$' THEN :'table' ELSE format('''%s''', replace(:'table', '''', '''\''''')) END AS table_argument,
       coalesce((SELECT jsonb_agg(p) FROM jsonb_array_elements(:'pairing'::jsonb) p WHERE p -> 'constraint_oid' <> 'null'), '[]') AS pairs,
       :'migration_id' <> '' AS has_migration \gset
\set guards '[]'
\set guard_number :migration_id
\set guard_wanted :row_movement_guard
\if :has_migration
SELECT coalesce(m.options ->> 'rowMovementGuard', 'false') AS guard_wanted FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint \gset
\else
\ir ../../catalog/guard-number.sql
\endif
SELECT :'guard_wanted'::boolean AND :'constraint_oid' = '' AND :'actions' ~ 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)' AS looks_for_guards \gset
\if :looks_for_guards
\set own_migration_id :migration_id
\set migration_id :guard_number
\set file ../../statements/create-row-movement-guard.sql
\ir ../control/rows.sql
\set guards :result
\set migration_id :own_migration_id
\endif
\set pairs :pairing
