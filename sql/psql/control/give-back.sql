-- The end of each script, also after refuse.sql: restores the session's original settings, :came_with (settings.sql), and
-- releases the advisory lock with which others see that this execution lives. A pooler passes the session on to another client.
--
-- RESET of a p2pfk.* setting leaves an empty string: PostgreSQL removes no such name before the session ends.
SELECT set_config('p2pfk.came_with', :'came_with', false) AS ignored,
       pg_advisory_unlock(nullif(:'liveness_key', '')::bigint) AS ignored \gset
DO $give_back$
DECLARE
  came_with jsonb := current_setting('p2pfk.came_with');
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['as_caller', 'attempt', 'attempted', 'began_at', 'caller_search_path', 'caller_synchronous_commit', 'came_with', 'counted_triggers', 'delete_probe',
                              'delete_probed', 'list', 'locked_at', 'lookup_plans', 'lookups', 'refusal', 'trusted_owners'] LOOP
    IF nullif(current_setting('p2pfk.' || name, true), '') IS NOT NULL THEN
      EXECUTE format('RESET p2pfk.%I', name);
    END IF;
  END LOOP;
  -- search_path last: what comes before it is looked up in pg_catalog.
  FOR name IN SELECT s.name FROM pg_show_all_settings() s
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
