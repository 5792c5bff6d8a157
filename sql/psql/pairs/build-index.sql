-- BuildIndexes, for one pair: builds the supporting index CONCURRENTLY, where no index serves.
\ir standing.sql
\set step BuildIndexes
SELECT :'has_index'::boolean OR :'no_indexes'::boolean AS nothing_to_build,
       CASE WHEN :'has_index'::boolean THEN format('Index on %s is there: %s', :'referencing', :'index_label')
            ELSE format('No index on %s, as wanted', :'referencing') END AS index_note \gset
\if :nothing_to_build
SELECT CASE WHEN :'pair_state' = 'planned'
            THEN jsonb_build_object('state', 'indexed', 'index_name', :'index_name') ELSE '{}' END AS changes \gset
\ir ../../ledger/change-pair.sql
\set outcome SKIPPED
\echo [:n/:of] ✓ :index_note
\q
\endif

-- Noted before the build: whatever is left of it, valid or not, is known as ours.
SELECT jsonb_build_object('index_name', :'index_name', 'index_added', true) AS changes \gset
\ir ../../ledger/change-pair.sql
SELECT format('index on %s', :'referencing') AS subject \gset
\set running_oid :pair_referencing_oid
\ir ../locks/run-alone.sql
-- CONCURRENTLY cannot run in a transaction, so a rollback waits until the right that run-alone.sql took has ended. Hence the fence is
-- asked after that. Its waits for older transactions stop nobody; a cut wait would leave an INVALID index: hence no lock_timeout.
SELECT p2pfk.enter(:'migration_id'::bigint, :'execution') AS ignored,
       set_config('lock_timeout', '0', false) AS ignored,
       clock_timestamp() AS began_at \gset
\set pairs :named
\if :index_leftover
\ir ../../statements/drop-index.sql
\ir ../locks/run-concurrently.sql
\set duration_ms ''
\set error ''
\ir ../../ledger/note-event.sql
\endif
\ir ../../statements/create-index.sql
\ir ../locks/run-concurrently.sql
SELECT set_config('lock_timeout', :'lock_timeout_ms', false) AS ignored,
       extract(epoch FROM clock_timestamp() - :'began_at'::timestamptz) * 1000 AS took_ms \gset
\ir ../locks/run-alone-end.sql
\set duration_ms :took_ms
\set error ''
\ir ../../ledger/note-event.sql
\ir standing.sql
SELECT format('index %s on %s is not valid after its build; run step 1 again, it drops and rebuilds it', :'index_name', :'referencing') AS refusal,
       jsonb_build_object('state', 'indexed', 'index_name', :'index_name', 'index_ms', :took_ms) AS changes \gset
\if :has_index
\else
\set error_name IndexBuildFailed
\ir ../control/give-up.sql
\endif
\ir ../../ledger/change-pair.sql
\ir ../control/clock.sql
\echo [:n/:of] ✓ Built index :index_label on :referencing in :took
