-- The last statement of the transaction that makes the ledger. With wal_level = minimal PostgreSQL does not log what nextval
-- takes in the transaction that creates a sequence, but writes the whole page at COMMIT, with the 32 values that it believes to
-- be logged ahead: after a crash these values are used again, and so are the ledger's keys (seen on 17.10). setval leaves none
-- ahead.
-- not null: settled
:begin
SELECT count(setval('p2pfk.event_id_seq', e.last_value, e.is_called)) + count(setval('p2pfk.migration_id_seq', m.last_value, m.is_called)) AS settled
  FROM p2pfk.event_id_seq e, p2pfk.migration_id_seq m
:end
