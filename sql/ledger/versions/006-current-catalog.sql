-- No change of a table: the row-movement guard's function reads the catalog as it is now, also in a transaction at REPEATABLE READ, and writers
-- by pg_write_all_data are refused there. Guards that exist call the new function.
INSERT INTO p2pfk.ledger_version (version) VALUES (6);
