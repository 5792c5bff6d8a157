-- Whether this database has a ledger of its own that this role may read; the copy of another database's (ledger-copy.sql) is none. Without USAGE on the schema to_regclass itself is refused.
:begin
SELECT CASE WHEN coalesce(has_schema_privilege(to_regnamespace('p2pfk'), 'USAGE'), false)
            THEN coalesce(has_table_privilege(to_regclass('p2pfk.migration'), 'SELECT'), false)
                 AND coalesce(obj_description(to_regclass('p2pfk.ledger_version'), 'pg_class') NOT LIKE 'Copy of a ledger%', true)
            ELSE false END AS readable
:end
