-- Under the locks: checks that the row-movement guards of :seen_guards (rows of create-row-movement-guard.sql) that existed are
-- still the same triggers. Changes :pairs.
SELECT coalesce(jsonb_agg(jsonb_build_object('pair', g -> 'pair', 'referenced_oid', g -> 'oid', 'seen', g -> 'seen')), '[]') AS pairs
  FROM jsonb_array_elements(:'seen_guards'::jsonb) g
 WHERE g -> 'stands' = 'true' \gset
\set file ../../catalog/unguarded-pairs.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS guards_changed \gset
\if :guards_changed
ROLLBACK;
SELECT 'a row-movement guard was changed or dropped while the locks were waited for; nothing was changed. Run this again' AS refusal \gset
\set error_name NameTaken
\ir ../control/give-up.sql
\endif
