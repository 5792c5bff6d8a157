-- The given pairs whose referencing partition is still a partition: neither detached nor dropped.
-- not null: pair
:begin
WITH RECURSIVE tree AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
)
SELECT p.pair
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid)
  JOIN tree t ON t.oid = p.referencing_oid
 ORDER BY p.pair
:end
