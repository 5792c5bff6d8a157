-- Removes pairs that no longer exist from the ledger: a partition of them was dropped, or is attached elsewhere.
-- Lock: none on any table of the application.
-- not null: pair, sql, lock
SELECT p.pair,
       format('DELETE FROM p2pfk.pair WHERE migration_id OPERATOR(pg_catalog.=) %s AND pair OPERATOR(pg_catalog.=) %s', :'migration_id'::bigint, p.pair) AS sql,
       'none on any table of the application' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int)
 ORDER BY p.pair;
