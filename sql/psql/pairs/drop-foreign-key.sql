-- DropPairForeignKeys, one pair: takes away what this migration added, and nothing else.
\ir standing.sql
\set step DropPairForeignKeys
\set enter p2pfk.enter_rollback
SELECT :'constraint_added'::boolean AND :'stands'::boolean AS drops_constraint,
       :'index_added'::boolean AND NOT :'gone'::boolean AND NOT :'keep_indexes'::boolean AS drops_index \gset
\if :drops_constraint
\set ledger_pairs :pairs
\set pairs :named
\ir ../../statements/lock-pair-for-drop.sql
\set lock_sql :sql
\ir ../../statements/drop-pair-foreign-key.sql
\set change_sql :sql
\set pairs :ledger_pairs
SELECT jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_relations,
       format('removal of the FK of %s', :'referencing') AS subject \gset
\set lock_mode 'ACCESS EXCLUSIVE'
\ir ../lock.sql
-- Without a valid parent FK the pair FKs are all that guards the rows: they stay.
\ir ../standing-parent.sql
\if :parent_valid
\else
ROLLBACK;
\set refusal 'the parent FK does not stand, or is not valid: the pair foreign keys stay'
\set error_name RollbackFailed
\ir ../give-up.sql
\endif
SELECT :'change_sql' \gexec
\ir ../record.sql
SELECT :dropped_constraints + 1 AS dropped_constraints \gset
\endif
\if :drops_index
\ir ../../statements/drop-index.sql
SELECT set_config('lock_timeout', '0', false) AS ignored, clock_timestamp() AS began_at \gset
SELECT :'sql' \gexec
SELECT set_config('lock_timeout', :'lock_timeout_ms', false) AS ignored, :dropped_indexes + 1 AS dropped_indexes,
       extract(epoch FROM clock_timestamp() - :'began_at'::timestamptz) * 1000 AS duration_ms \gset
\set error ''
\ir ../../ledger/note-event.sql
\endif
SELECT jsonb_build_object('state', 'rolled-back', 'constraint_added', false)
         || CASE WHEN :'keep_indexes'::boolean THEN '{}' ELSE jsonb_build_object('index_added', false) END AS changes \gset
\ir ../../ledger/change-pair.sql
