-- The role that this session has because of a setting of the database (ALTER DATABASE ... SET role), which the database's owner
-- may set: neither the login's own settings nor its rights have chosen it. Empty where there is none. Objects of that role would
-- count as ours, and its code can RESET ROLE. Run it with search_path = pg_catalog, before the session itself becomes another
-- role.
-- not null: foreign_role
:begin
SELECT coalesce((SELECT current_user::text
                   FROM pg_roles l
                   JOIN pg_database b ON b.datname = current_database()
                  WHERE l.rolname = session_user AND current_user <> session_user
                    AND NOT pg_has_role(current_user, l.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
                    AND EXISTS (SELECT FROM pg_db_role_setting d
                                 WHERE d.setrole = 0 AND d.setdatabase = b.oid AND 'role=' || current_user = ANY (d.setconfig))
                    -- They win over those of the database.
                    AND NOT EXISTS (SELECT FROM pg_db_role_setting d CROSS JOIN unnest(d.setconfig) c(text)
                                     WHERE d.setrole = l.oid AND d.setdatabase IN (0, b.oid) AND starts_with(c.text, 'role='))), '') AS foreign_role
:end
