-- Who set each of :'settings' (from sql/session.sql: name and value), as one text: a role, a database, or the server.
-- not null: at_fault
:begin
SELECT coalesce(string_agg(format('%s is %s, set %s', s.name, s.value, coalesce(d.by, 'in the configuration of the server or by the options of the connection')),
                           '; ' ORDER BY s.name), '') AS at_fault
  FROM jsonb_to_recordset(:'settings'::jsonb) AS s(name text, value text)
  LEFT JOIN LATERAL (
       SELECT 'for ' || concat_ws(' in ', CASE WHEN d.setrole <> 0 THEN format('role %I', pg_get_userbyid(d.setrole))
                                               WHEN d.setdatabase = 0 THEN 'all roles' END,
                                  CASE WHEN d.setdatabase <> 0 THEN format('database %I', current_database()) END) AS by
         FROM pg_db_role_setting d
        CROSS JOIN unnest(d.setconfig) AS c(text)
        WHERE split_part(c.text, '=', 1) = s.name
          AND (d.setrole = 0 OR d.setrole = (SELECT oid FROM pg_roles WHERE rolname = session_user))
          AND (d.setdatabase = 0 OR d.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
        -- The order in which PostgreSQL lets them win.
        ORDER BY d.setrole <> 0 AND d.setdatabase <> 0 DESC, d.setrole <> 0 DESC, d.setdatabase <> 0 DESC
        LIMIT 1) d ON true
:end
