-- What the rows of a pair were proven by before the drop. Takes ACCESS EXCLUSIVE on the ledger's table pair: it waits for steps that are running.
-- Pairs from before have no proof, so the gate counts them.
ALTER TABLE p2pfk.pair ADD COLUMN proof jsonb;
COMMENT ON COLUMN p2pfk.pair.proof IS
  'the last scan of all rows that found no orphan: by (validate: this migration''s VALIDATE; count), at (its begin), triggers (those of the pair FK then, as p2pfk.triggers_of writes them); null: none';
INSERT INTO p2pfk.ledger_version (version) VALUES (5);
