-- Whether a role that may not become the login could have added code since catalog/untrusted-code.sql was asked: it owns one of these tables or of
-- their partitions, or there are types of the application's, whose owners can add a CHECK to a domain. Cheap, for each step to ask.
:begin
WITH RECURSIVE member AS (
  SELECT t.oid FROM (VALUES (:'referencing_oid'::oid), (:'referenced_oid'::oid)) t(oid)
  UNION
  SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
)
SELECT EXISTS (SELECT FROM member m JOIN pg_class c ON c.oid = m.oid
                WHERE NOT pg_has_role(c.relowner, session_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END))
       OR EXISTS (SELECT FROM member m CROSS JOIN LATERAL (
                        SELECT FROM pg_attribute a WHERE a.attrelid = m.oid AND a.attnum > 0 AND a.atttypid >= 16384 OFFSET 0) a) AS may
:end
