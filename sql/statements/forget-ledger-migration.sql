-- Removes a migration whose tables no longer exist from the ledger, with its pairs and events.
-- Lock: none on any table of the application.
-- not null: sql, lock
SELECT format('DELETE FROM p2pfk.migration WHERE id OPERATOR(pg_catalog.=) %s', :'migration_id'::bigint) AS sql,
       'none on any table of the application' AS lock;
