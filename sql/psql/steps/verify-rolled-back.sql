-- Compares the parent FK, and its children on the leaves, with the originals (core/steps/rollback/verify-rolled-back.ts).
\ir standing-parent.sql
\set file ../../catalog/row-movement-guards.sql
\ir ../control/rows.sql
\set guard :result
\set file ../../statements/restore-firing-modes.sql
\ir ../control/rows.sql
\set firing_left :result
\ir ../migration/planned-pairs.sql
\set pairs :planned
\set file ../../catalog/pair-states.sql
\ir ../control/rows.sql
SELECT concat_ws('; ',
         CASE WHEN NOT :'parent_stands'::boolean THEN format('parent FK %s with the definition %s is not there', :'constraint_name', :'definition')
              WHEN NOT :'parent_valid'::boolean THEN format('parent FK %s is not validated', :'constraint_name')
              WHEN :'parent_comment' <> :'comment' THEN format('the comment of parent FK %s is not the original', :'constraint_name') END,
         (SELECT string_agg(format('pair FK %s of %s is still there', p.constraint_name, p.referencing), '; ' ORDER BY p.pair)
            FROM jsonb_to_recordset(:'planned'::jsonb) AS p(pair int, referencing text, constraint_name text, constraint_added boolean)
            JOIN jsonb_to_recordset(:'result'::jsonb) AS s(pair int, constraint_oid oid) ON s.pair = p.pair AND s.constraint_oid IS NOT NULL
           WHERE p.constraint_added),
         (SELECT string_agg(format('the parent FK''s own FK of %s was named %s, not %s', p.referencing, p.root_constraint, s.root_constraint), '; ' ORDER BY p.pair)
            FROM jsonb_to_recordset(:'planned'::jsonb) AS p(pair int, referencing text, root_constraint text)
            JOIN jsonb_to_recordset(:'result'::jsonb) AS s(pair int, root_constraint text) ON s.pair = p.pair AND s.root_constraint <> p.root_constraint
           WHERE :'parent_stands'::boolean),
         CASE WHEN :'firing_left'::jsonb <> '[]' THEN format('triggers of parent FK %s do not fire ALWAYS, as they did', :'constraint_name') END,
         (SELECT string_agg(format('the row-movement guard of %s still exists', g ->> 'relation'), '; ')
            FROM jsonb_array_elements(:'guard'::jsonb) g)) AS problems \gset
SELECT :'problems' <> '' AS refused, format('the rollback is not complete: %s', :'problems') AS refusal,
       jsonb_build_object('state', 'rolled-back', 'finished_at', clock_timestamp()) AS changes \gset
\if :refused
\set error_name RollbackFailed
\ir ../control/give-up.sql
\endif
\ir ../../ledger/change-migration.sql
