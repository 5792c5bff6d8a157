-- How each script ends, also by refuse.sql: the session gets back what it came with, :came_with (settings.sql), and the advisory
-- locks by which others see that this execution lives. A session of a pooler goes on to another client.
--
-- RESET of a p2pfk.* setting leaves an empty string: PostgreSQL forgets no such name before the session ends.
SELECT set_config('p2pfk.came_with', :'came_with', false) AS ignored \gset
DO $give_back$
DECLARE
  came_with jsonb := current_setting('p2pfk.came_with');
  mine record;
  name text;
BEGIN
  FOR mine IN SELECT l.classid::int AS class, l.objid::bigint::bit(32)::int AS object, l.mode
                FROM pg_locks l
               WHERE l.pid = pg_backend_pid() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                 AND l.classid IN (1882351206, 1882351216, 1882351218) LOOP
    -- As often as it was taken; after the last time it is not there any more.
    WHILE EXISTS (SELECT FROM pg_locks l
                   WHERE l.pid = pg_backend_pid() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                     AND l.classid::int = mine.class AND l.objid::bigint::bit(32)::int = mine.object AND l.mode = mine.mode) LOOP
      PERFORM CASE mine.mode WHEN 'ShareLock' THEN pg_advisory_unlock_shared(mine.class, mine.object)
                             ELSE pg_advisory_unlock(mine.class, mine.object) END;
    END LOOP;
  END LOOP;
  FOREACH name IN ARRAY ARRAY['as_caller', 'attempt', 'attempted', 'began_at', 'caller_search_path', 'came_with', 'delete_probe',
                              'delete_probed', 'list', 'locked_at', 'lookup_plans', 'lookups', 'refusal'] LOOP
    IF nullif(current_setting('p2pfk.' || name, true), '') IS NOT NULL THEN
      EXECUTE format('RESET p2pfk.%I', name);
    END IF;
  END LOOP;
  -- search_path last: what comes before it is looked up in pg_catalog.
  FOR name IN SELECT s.name FROM pg_settings s
               WHERE s.source = 'session' AND came_with ->> s.name IS DISTINCT FROM s.setting
               ORDER BY s.name = 'search_path', s.name LOOP
    IF came_with ? name THEN
      PERFORM set_config(name, came_with ->> name, false);
    ELSE
      EXECUTE format('RESET %I', name);
    END IF;
  END LOOP;
END
$give_back$;
SELECT pg_catalog.set_config('role', :'came_role', false) AS ignored \gset
\encoding :came_encoding
