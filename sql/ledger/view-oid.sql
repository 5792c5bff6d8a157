-- The oid of one of the ledger's views; null where it has none. Views that are made again have another oid.

SELECT pg_catalog.to_regclass('p2pfk.delete_activity')::pg_catalog.oid AS oid;
