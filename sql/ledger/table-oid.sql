-- The oid of a table of the ledger; null where it has none of that name.
SELECT pg_catalog.to_regclass(pg_catalog.format('p2pfk.%I', :'name'::pg_catalog.text))::pg_catalog.oid AS oid;
