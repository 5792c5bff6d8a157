-- One adoption at a time, and no migration is opened meanwhile. Readers of the ledger are not blocked; steps of migrations wait
-- for milliseconds.
LOCK TABLE p2pfk.migration IN SHARE ROW EXCLUSIVE MODE;
