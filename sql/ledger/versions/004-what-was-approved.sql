-- What an approval was given for: the options of the migration at that moment. Takes ACCESS EXCLUSIVE on the ledger's table migration: it
-- waits for steps that are running. An approval from before is not known to be for anything, and has to be given again.
ALTER TABLE p2pfk.migration ADD COLUMN approved_options jsonb;
COMMENT ON COLUMN p2pfk.migration.approved_options IS
  'options as they were when it was approved, as the trigger noted them: the approval counts for a drop that does the same; null: not known';
-- functions.sql makes it anew, for the new column too.
DROP TRIGGER IF EXISTS approver ON p2pfk.migration;
INSERT INTO p2pfk.ledger_version (version) VALUES (4);
