-- deadlock_timeout in milliseconds. `deadlock_timeout_ms` is the shortest time after which a session of this database looks for a
-- deadlock, ours or that of a role with its own setting (a wait of ours that ends earlier never makes the application the
-- victim); `own_deadlock_timeout_ms` is that of this session, after which it makes an autovacuum yield.
--
-- Read with current_setting(): the view pg_settings first prints all settings of the server, and this is asked before every lock.
-- not null: deadlock_timeout_ms, own_deadlock_timeout_ms
:begin
SELECT greatest(1, floor(min(t.ms)))::int AS deadlock_timeout_ms,
       floor(min(t.ms) FILTER (WHERE t.own))::int AS own_deadlock_timeout_ms
  FROM (SELECT c.own,
               m.parts[1]::numeric
                 * CASE m.parts[2] WHEN 'us' THEN 0.001 WHEN 's' THEN 1000 WHEN 'min' THEN 60000 WHEN 'h' THEN 3600000 WHEN 'd' THEN 86400000 ELSE 1 END AS ms
          FROM (SELECT true AS own, 'deadlock_timeout=' || current_setting('deadlock_timeout') AS setting
                UNION ALL
                SELECT false, u.setting
                  FROM pg_db_role_setting s
                 CROSS JOIN unnest(s.setconfig) AS u(setting)
                 WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) c
         CROSS JOIN regexp_match(c.setting, '^deadlock_timeout=\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*$') AS m(parts)
         WHERE m.parts IS NOT NULL) t
:end
