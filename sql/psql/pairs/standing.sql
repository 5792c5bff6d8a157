-- What exists on this turn's pair now (catalog/pair-states.sql); :named is the pair with the names found or to be given.
\set file ../../catalog/pair-states.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb = '[]' AS gone, :'result'::jsonb = '[]' AND NOT :'gone_is_fine'::boolean AS refused,
       format('%s or its partner is no more: it was dropped after the migration began', :'referencing') AS refusal \gset
\if :refused
\set error_name PartitionSetChanged
\ir ../control/give-up.sql
\endif
SELECT jsonb_build_array((:'pairs'::jsonb -> 0) || (:'result'::jsonb -> 0)) AS standing_pairs, :'pairs' AS turn_pairs \gset
\set pairs :standing_pairs
\set file ../../catalog/pair-indexes.sql
\ir ../control/rows.sql
\set pairs :turn_pairs
SELECT jsonb_build_array((:'standing_pairs'::jsonb -> 0) || coalesce(:'result'::jsonb -> 0, '{}')) AS result \gset
SELECT s.constraint_oid IS NOT NULL           AS stands,
       coalesce(s.constraint_oid::text, '')   AS standing_oid,
       s.constraint_name                      AS standing_name,
       s.validated, s.enforced, coalesce(s.has_index, false) AS has_index, s.index_name, coalesce(s.index_leftover, false) AS index_leftover,
       s.leaf_constraint_oid IS NOT NULL      AS leaf_stands,
       coalesce(s.leaf_constraint_oid::text, '') AS leaf_oid,
       s.leaf_constraint_validated            AS leaf_valid,
       coalesce(s.root_constraint, '')        AS leaf_name,
       regexp_replace(s.index_name, :'unprintable', '?', 'g') AS index_label,
       jsonb_build_array((:'pairs'::jsonb -> 0)
         || jsonb_build_object('constraint_name', s.constraint_name, 'constraint_oid', s.constraint_oid, 'index_name', s.index_name, 'index_columns', s.index_columns)) AS named
  FROM jsonb_to_record(:'result'::jsonb -> 0)
       AS s(constraint_oid oid, constraint_name text, validated boolean, enforced boolean, has_index boolean, index_name text, index_columns text,
            index_leftover boolean, leaf_constraint_oid oid, leaf_constraint_validated boolean, root_constraint text) \gset
