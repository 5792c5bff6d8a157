-- The server, and what this role may do on it. `version_num` is such as 170010 for 17.10; `session_user` is the login, which differs from
-- `role` after SET ROLE; `lock_table_capacity` is in entries of the shared lock table; memory is in bytes; `parallel_workers` is
-- max_parallel_workers_per_gather.
-- not null: version, version_num, in_recovery, role, session_user, database, can_create_schema, ledger_exists, can_use_ledger,
--   lock_table_capacity, maintenance_work_mem, effective_cache_size, work_mem, parallel_workers
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
       pg_size_bytes(current_setting('maintenance_work_mem'))::float8        AS maintenance_work_mem,
       pg_size_bytes(current_setting('effective_cache_size'))::float8        AS effective_cache_size,
       pg_size_bytes(current_setting('work_mem'))::float8                    AS work_mem,
       current_setting('max_parallel_workers_per_gather')::int                AS parallel_workers
:end
