-- How often a step was refused its locks so far, and how long a wait must be for an autovacuum to yield.
SELECT (SELECT count(*)::int FROM p2pfk.event e
         WHERE e.migration_id = :'migration_id'::bigint AND e.step = :'step'::text AND e.error IS NOT NULL) AS refusals,
       (SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout') AS deadlock_timeout_ms;
