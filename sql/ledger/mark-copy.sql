-- Marks the ledger's tables as the copy of another database's, so that p2pfk does not take them for a ledger of this one. Empties
-- the one table that has a row, which would prevent copying the publisher's row.
DELETE FROM p2pfk.ledger_version;
COMMENT ON SCHEMA p2pfk IS 'Copy of a ledger of p2pfk, filled by logical replication; no ledger of this database';
COMMENT ON TABLE p2pfk.ledger_version IS 'Copy of a ledger, filled by logical replication';
-- It would note the time of the copying and the subscription's role in place of the approver's.
DROP TRIGGER approver ON p2pfk.migration;
