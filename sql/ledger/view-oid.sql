-- One of the ledger's views; null where it has none. Views that are made anew have another oid.

SELECT pg_catalog.to_regclass('p2pfk.delete_activity')::pg_catalog.oid AS oid;
