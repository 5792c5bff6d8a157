-- Records another endpoint of the database that the ledger belongs to, or its new name. Values that this role may not read keep
-- their recorded values.
-- not null: linked
:begin
WITH made AS (
  SELECT i.* FROM p2pfk.identity i ORDER BY i.id DESC LIMIT 1
), linked AS (
  INSERT INTO p2pfk.identity (system_identifier, database_oid, database_name, endpoint)
  SELECT coalesce(nullif(:'system_identifier'::text, ''), m.system_identifier), m.database_oid, :'database_name'::text, :'endpoint'::text
    FROM made m
  RETURNING id
)
SELECT count(*)::int AS linked FROM linked
:end
