-- The server, and what this role may do on it.
:begin
SELECT current_setting('server_version')                                     AS version,
       current_setting('server_version_num')::int                            AS version_num,
       pg_is_in_recovery()                                                   AS in_recovery,
       current_user                                                          AS role,
       session_user                                                          AS session_user,
       current_database()                                                    AS database,
       has_database_privilege(current_database(), 'CREATE')                  AS can_create_schema,
       to_regnamespace('p2pfk') IS NOT NULL                                  AS ledger_exists,
       coalesce(has_schema_privilege(to_regnamespace('p2pfk'), 'CREATE'), false) AS can_use_ledger,
       current_setting('max_locks_per_transaction')::int
         * (current_setting('max_connections')::int
            + current_setting('max_prepared_transactions')::int)             AS lock_table_capacity,
       (SELECT setting::float8 * 1024 FROM pg_settings WHERE name = 'maintenance_work_mem')   AS maintenance_work_mem,
       (SELECT setting::float8 * 8192 FROM pg_settings WHERE name = 'effective_cache_size')   AS effective_cache_size,
       (SELECT setting::float8 * 1024 FROM pg_settings WHERE name = 'work_mem')               AS work_mem,
       current_setting('max_parallel_workers_per_gather')::int                AS parallel_workers
:end
