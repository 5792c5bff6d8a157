-- The parent FK as it is: dropped, or not validated where a rollback has only begun to restore it (18+).
\set file ../../checks/parent-foreign-keys.sql
\ir ../control/rows.sql
SELECT count(*) > 0 AS parent_stands, coalesce(bool_and(p.validated), false) AS parent_valid,
       coalesce(min(p.oid::bigint)::text, '') AS parent_oid, coalesce(min(p.comment), '') AS parent_comment
  FROM jsonb_to_recordset(:'result'::jsonb) AS p(oid oid, name text, on_root boolean, validated boolean, comment text)
 WHERE p.on_root AND p.name = :'constraint_name' \gset
