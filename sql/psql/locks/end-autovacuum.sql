-- Makes an ordinary autovacuum that blocks us yield (core/postgres/locks/lock-wait.ts): waits for SHARE UPDATE EXCLUSIVE, which
-- blocks no reader and no writer, for longer than deadlock_timeout. :relations is the table on which it works.
\set refused_took_ms :took_ms
\set file ../../statements/lock-for-autovacuum.sql
\ir ../control/rows.sql
SELECT jsonb_build_array(format('SELECT set_config(''lock_timeout'', %L, true)', :own_deadlock_timeout_ms + 1000))
         || coalesce(jsonb_agg(l -> 'sql'), '[]') AS statements
  FROM jsonb_array_elements(:'result'::jsonb) l \gset
\ir ../control/attempt.sql
\set took_ms :refused_took_ms
