-- DropPairForeignKeys, for one pair: drops what this migration added, and nothing else. The row-movement guard of the referenced
-- leaf is dropped with the last pair FK of this migration to it.
\ir standing.sql
\set step DropPairForeignKeys
\set enter p2pfk.enter_rollback
SELECT :'constraint_added'::boolean AND :'stands'::boolean AS drops_constraint,
       :'index_added'::boolean AND NOT :'keep_indexes'::boolean AS drops_index,
       -- A pair FK that stays, because this migration has not made it, and that the drop gave another name.
       NOT :'constraint_added'::boolean AND :'stands'::boolean
         AND coalesce(:'pairs'::jsonb -> 0 ->> 'former_name' <> :'standing_name', false) AS renames_back,
       -- The parent FK's own child on the leaf, which may have had a name of its own.
       :'leaf_name' <> '' AND coalesce(:'pairs'::jsonb -> 0 ->> 'root_constraint' <> :'leaf_name', false) AS renames,
       jsonb_build_array((:'pairs'::jsonb -> 0) || jsonb_build_object('constraint_name', :'leaf_name')) AS leaf_pairs,
       '[]' AS drop_statements \gset
\set file ../../statements/drop-row-movement-guard.sql
\ir ../control/rows.sql
\set guards :result
SELECT :'drops_constraint'::boolean OR :'renames_back'::boolean OR :'renames'::boolean OR :'guards'::jsonb <> '[]' AS alters \gset
\if :alters
\set ledger_pairs :pairs
\set pairs :named
\ir ../../statements/lock-pair-for-drop.sql
\set lock_sql :sql
\set lock_ways :ways
\if :drops_constraint
\ir ../../statements/drop-pair-foreign-key.sql
SELECT jsonb_build_array(:'sql') AS drop_statements \gset
\elif :renames_back
\set file ../../statements/rename-pair-foreign-key-back.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(r -> 'sql'), '[]') AS drop_statements FROM jsonb_array_elements(:'result'::jsonb) r \gset
\endif
\if :renames
\set pairs :leaf_pairs
\ir ../../statements/rename-leaf-foreign-key.sql
SELECT :'drop_statements'::jsonb || jsonb_build_array(:'sql') AS drop_statements \gset
\endif
SELECT :'drop_statements'::jsonb || coalesce(jsonb_agg(g -> 'sql'), '[]') AS drop_statements
  FROM jsonb_array_elements(:'guards'::jsonb) g \gset
\set pairs :ledger_pairs
SELECT jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_relations,
       jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_named,
       format('removal of the FK of %s', :'referencing') AS subject \gset
\set lock_mode 'ACCESS EXCLUSIVE'
\ir ../locks/lock.sql
-- Without a valid parent FK the pair FKs are all that guards the rows: they stay.
\ir ../steps/standing-parent.sql
\if :parent_valid
\else
ROLLBACK;
\set refusal 'the parent FK is not there, or is not valid: the pair foreign keys stay'
\set error_name RollbackFailed
\ir ../control/give-up.sql
\endif
\set statements :drop_statements
\ir ../locks/change-all.sql
\ir ../locks/record.sql
\endif
\if :drops_index
-- No row where it is gone, or has become part of an index of the partitioned table.
\set file ../../statements/drop-index.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS drops_index, coalesce(:'result'::jsonb -> 0 ->> 'sql', '') AS sql \gset
\endif
\if :drops_index
SELECT set_config('lock_timeout', '0', false) AS ignored, clock_timestamp() AS began_at \gset
\ir ../locks/run-concurrently.sql
SELECT set_config('lock_timeout', :'lock_timeout_ms', false) AS ignored,
       extract(epoch FROM clock_timestamp() - :'began_at'::timestamptz) * 1000 AS duration_ms \gset
\set error ''
\ir ../../ledger/note-event.sql
\endif
SELECT jsonb_build_object('state', 'rolled-back', 'constraint_added', false)
         || CASE WHEN :'keep_indexes'::boolean THEN '{}' ELSE jsonb_build_object('index_added', false) END AS changes \gset
\ir ../../ledger/change-pair.sql
