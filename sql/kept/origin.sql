-- What a new session of this login would begin with in this database, as one text: the login and its attributes, the settings that
-- ALTER ROLE and ALTER DATABASE have for it, whether it may connect, and whether the server is a primary. A session that was opened under
-- another text is not used again. Settings of the server's files reach every session.
--
-- is_other_role: the session has taken another role than its login by itself (ALTER ROLE ... SET role).
-- not null: origin, is_other_role
:begin
SELECT concat_ws(' | ', session_user, d.oid, d.datallowconn, has_database_privilege(r.oid, d.oid, 'CONNECT'), pg_is_in_recovery(), r::text,
                 (SELECT string_agg(format('%s %s %s', s.setdatabase, s.setrole, s.setconfig), ' ' ORDER BY s.setdatabase, s.setrole)
                    FROM pg_db_role_setting s
                   WHERE s.setdatabase = ANY (ARRAY[0, d.oid]) AND s.setrole = ANY (ARRAY[0, r.oid]))) AS origin,
       current_user <> session_user AS is_other_role
  FROM pg_database d, pg_roles r
 WHERE d.datname = current_database() AND r.rolname = session_user
:end
