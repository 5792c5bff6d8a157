-- Run in the transaction that makes the ledger, or upgrades one that is older than p2pfk.identity: records that it belongs to
-- this database, unless one of its migrations does not (:'unmatched', unmatched.sql).
-- not null: linked
:begin
WITH linked AS (
  INSERT INTO p2pfk.identity (system_identifier, database_oid, database_name, endpoint)
  SELECT nullif(:'system_identifier'::text, ''), :'database_oid'::oid, :'database_name'::text, :'endpoint'::text
   WHERE :'unmatched'::text = '' AND NOT EXISTS (SELECT FROM p2pfk.identity)
  RETURNING id
)
SELECT count(*)::int AS linked FROM linked
:end
