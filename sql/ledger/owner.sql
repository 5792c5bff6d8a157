-- Who works on a migration: the session that tells so, if one does. Of a local execution it is the one that holds its
-- advisory lock, of any other the oldest of its steps. Run it as the login (core/as-login.ts).
:begin
SELECT a.usename AS "user", host(a.client_addr) AS address,
       to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')  AS since
  FROM pg_stat_activity a
 WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
   AND CASE WHEN :'execution'::text LIKE 'arn:aws:states:local:%'
            THEN EXISTS (SELECT 1 FROM pg_locks l
                          WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                            AND l.classid::bigint = 1882351216  -- 'p2fp'
                            AND l.objid = (hashtext(:'execution'::text)::bigint & 4294967295)::oid)
            ELSE a.application_name LIKE 'p2pfk/' || :'migration_id'::text || '/%' END
 ORDER BY a.backend_start
 LIMIT 1
:end
