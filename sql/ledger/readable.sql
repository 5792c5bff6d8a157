-- Whether this database has a ledger that this role may read. Without USAGE on the schema to_regclass itself is refused.
:begin
SELECT CASE WHEN coalesce(has_schema_privilege(to_regnamespace('p2pfk'), 'USAGE'), false)
            THEN coalesce(has_table_privilege(to_regclass('p2pfk.migration'), 'SELECT'), false)
            ELSE false END AS readable
:end
