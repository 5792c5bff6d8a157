-- A copy of an older ledger (ledger-copy.sql) lacks what the publisher sends as soon as its own is upgraded, and the replication would stop there.
ALTER TABLE p2pfk.migration ADD COLUMN IF NOT EXISTS approved_options jsonb;
