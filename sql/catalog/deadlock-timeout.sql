-- deadlock_timeout in milliseconds: `deadlock_timeout_ms` is the shortest after which a session of this database looks for a
-- deadlock, ours or that of a role with a setting of its own (a wait of ours that ends earlier never makes the application
-- the victim); `own_deadlock_timeout_ms` is that of this session, after which it makes an autovacuum yield.
:begin
SELECT greatest(1, floor(min(t.ms)))::int AS deadlock_timeout_ms,
       (SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout') AS own_deadlock_timeout_ms
  FROM (SELECT setting::numeric AS ms FROM pg_settings WHERE name = 'deadlock_timeout'
        UNION ALL
        SELECT m.parts[1]::numeric
                 * CASE m.parts[2] WHEN 'us' THEN 0.001 WHEN 's' THEN 1000 WHEN 'min' THEN 60000 WHEN 'h' THEN 3600000 WHEN 'd' THEN 86400000 ELSE 1 END
          FROM pg_db_role_setting s
         CROSS JOIN unnest(s.setconfig) AS c(setting)
         CROSS JOIN regexp_match(c.setting, '^deadlock_timeout=\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*$') AS m(parts)
         WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND m.parts IS NOT NULL) t
:end
