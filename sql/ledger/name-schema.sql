-- The first statement of a session that makes or upgrades the ledger. Its lock on the schema (ShareUpdateExclusiveLock) makes all
-- others wait until the end of the transaction; only the schema's owner can take it.
DO $name$
BEGIN
  COMMENT ON SCHEMA p2pfk IS 'Ledger of p2pfk: migrations from a parent-level to partition-to-partition foreign keys';
END
$name$;
