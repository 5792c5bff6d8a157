-- Whether this database has a ledger that this role may read.
SELECT coalesce(has_table_privilege(to_regclass('p2pfk.migration'), 'SELECT'), false) AS readable;
