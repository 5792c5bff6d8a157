-- A copy of an older ledger (ledger-copy.sql) lacks columns that the publisher sends as soon as its own ledger is upgraded, and the
-- replication would stop.
ALTER TABLE p2pfk.migration ADD COLUMN IF NOT EXISTS approved_options jsonb;
ALTER TABLE p2pfk.pair ADD COLUMN IF NOT EXISTS proof jsonb;
