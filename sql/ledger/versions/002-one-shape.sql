-- Before this version, ledgers of several shapes called themselves version 1. This gives all of them the same shape; it checks
-- for each column first. Takes ACCESS EXCLUSIVE on the ledger's own tables: it waits for steps that are running.
DO $add$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid OPERATOR(pg_catalog.=) 'p2pfk.migration'::regclass AND attname OPERATOR(pg_catalog.=) 'approval_asked_at' AND NOT attisdropped) THEN
    ALTER TABLE p2pfk.migration
      ADD COLUMN approval_asked_at timestamptz, ADD COLUMN approved_by text, ADD COLUMN rehearsal jsonb;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid OPERATOR(pg_catalog.=) 'p2pfk.migration'::regclass AND attname OPERATOR(pg_catalog.=) 'plan' AND NOT attisdropped) THEN
    ALTER TABLE p2pfk.migration ADD COLUMN plan jsonb;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid OPERATOR(pg_catalog.=) 'p2pfk.migration'::regclass AND attname OPERATOR(pg_catalog.=) 'firing' AND NOT attisdropped) THEN
    -- Not as part of ADD COLUMN: see the rule for versions of the ledger in docs/architecture.md.
    ALTER TABLE p2pfk.migration ADD COLUMN firing jsonb;
    ALTER TABLE p2pfk.migration ALTER COLUMN firing SET DEFAULT '[]';
    UPDATE p2pfk.migration SET firing = '[]';
    ALTER TABLE p2pfk.migration ALTER COLUMN firing SET NOT NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid OPERATOR(pg_catalog.=) 'p2pfk.pair'::regclass AND attname OPERATOR(pg_catalog.=) 'former_name' AND NOT attisdropped) THEN
    ALTER TABLE p2pfk.pair ADD COLUMN former_name text;
  END IF;
END
$add$;
ALTER TABLE p2pfk.migration ALTER COLUMN lease_until SET DEFAULT pg_catalog.now() OPERATOR(pg_catalog.+) interval '90 seconds';
COMMENT ON COLUMN p2pfk.migration.lease_until IS 'until then its owner counts as alive, also between two steps';
COMMENT ON COLUMN p2pfk.migration.rehearsal IS 'the verified drop, done and rolled back: when, milliseconds under lock, checks';
COMMENT ON COLUMN p2pfk.migration.plan IS
  'when it began: findings that the operator was told, the estimate, and how long a DELETE took under the parent FK';
COMMENT ON COLUMN p2pfk.migration.firing IS 'triggers of the parent FK that fire ALWAYS: relation and kind of each';
COMMENT ON COLUMN p2pfk.pair.former_name IS 'name of the pair FK before the drop of the parent FK gave it another; a rollback gives it back';
INSERT INTO p2pfk.ledger_version (version) VALUES (2);
