-- Opens the migration in the ledger, or takes over the open one; refused while another execution works on it. Leaves the
-- transaction open.
\ir make-ledger.sql
SELECT :'migration_id' = '' AS is_new \gset
\ir ../control/hold-key.sql
BEGIN;
\if :is_new
\ir ../../ledger/insert-migration.sql
\set migration_id :id
\set migration_state running
\else
SELECT CASE WHEN :'guard_given'::boolean THEN :'row_movement_guard' ELSE coalesce(m.options ->> 'rowMovementGuard', 'true') END AS row_movement_guard
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint \gset
SELECT :'options'::jsonb || jsonb_build_object('rowMovementGuard', :'row_movement_guard'::boolean) AS options \gset
\set file ../../ledger/take-over.sql
\ir ../control/rows.sql
SELECT coalesce(:'result'::jsonb -> 0 ->> 'state', '') AS migration_state,
       :'result'::jsonb = '[]' OR m.state = 'rolling-back' AND :'purpose' <> 'rollback' AS refused,
       CASE WHEN m.state = 'rolled-back'
            THEN format('migration %s of %s on %s was rolled back meanwhile: begin again', :'migration_id', :'constraint_name', :'table')
            WHEN :'result'::jsonb = '[]'
            THEN format('migration %s of %s on %s is being worked on by %s (state %s); wait for it to end, or stop that execution first',
                        :'migration_id', :'constraint_name', :'table', m.execution, m.state)
            ELSE format('a rollback of migration %s has begun: finish it with sql/migrate-to-p2p-fk-rollback.sql', :'migration_id') END AS refusal
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint \gset
\if :refused
\ir ../control/refuse.sql
\endif
\endif
SELECT :'row_movement_guard'::boolean AND :'actions' ~ 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)' AS guarded \gset
-- The firing modes for which the plan was made (core/catalog/firing-modes.ts); a ledger of an older edition has none.
SELECT :'purpose' = 'migrate' AND :'constraint_oid' <> '' AND NOT :'is_new'::boolean AS notes_firing \gset
\if :notes_firing
\ir ../../ledger/note-firing.sql
\endif
SELECT coalesce(to_jsonb(m) -> 'firing', '[]') AS firing FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint \gset
SELECT set_config('application_name', format('p2pfk/%s/psql', :'migration_id'), false) AS ignored \gset
