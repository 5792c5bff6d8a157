-- Whether a step of the migration, in any session but this one, is in a transaction. Not counted: statements left running.
SELECT EXISTS (SELECT 1 FROM pg_stat_activity a
                WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL
                  AND a.application_name LIKE 'p2pfk/' || :'migration_id'::text || '/%'
                  AND a.application_name NOT LIKE 'p2pfk/' || :'migration_id'::text || '/run/%') AS busy;
