-- Tells the ledger the oids that its tables and partitions have now, by their names: a restored dump gives them new ones.
-- Lock: none on any table of the application.
SELECT s.sql, 'none on any table of the application' AS lock
  FROM (VALUES
    (1, format('UPDATE p2pfk.migration SET table_oid = pg_catalog.to_regclass(table_name), referenced_oid = pg_catalog.to_regclass(referenced_name) WHERE id OPERATOR(pg_catalog.=) %s',
               :'migration_id'::bigint)),
    (2, format('UPDATE p2pfk.pair SET referencing_oid = pg_catalog.to_regclass(referencing), referenced_oid = pg_catalog.to_regclass(referenced)'
               || ' WHERE migration_id OPERATOR(pg_catalog.=) %s AND pg_catalog.to_regclass(referencing) IS NOT NULL AND pg_catalog.to_regclass(referenced) IS NOT NULL',
               :'migration_id'::bigint))) s(n, sql)
 ORDER BY s.n;
