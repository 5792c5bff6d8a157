-- Whether a role that may not become the login, and that the operator does not trust, could have added code since catalog/untrusted-code.sql was asked: it owns one of these tables, of
-- their partitions, or of the tables above them (an index or a CHECK of those comes to each partition, also one of another owner); or a column has a
-- type of the application's, whose owner can add a CHECK to a domain. Cheap, for each step to ask.
-- not null: may
:begin
WITH RECURSIVE member AS (
  SELECT t.oid FROM (VALUES (:'referencing_oid'::oid), (:'referenced_oid'::oid)) t(oid)
  UNION
  SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), above AS (
  SELECT t.oid FROM (VALUES (:'referencing_oid'::oid), (:'referenced_oid'::oid)) t(oid)
  UNION
  SELECT i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.oid
)
SELECT EXISTS (SELECT FROM (SELECT m.oid FROM member m UNION SELECT a.oid FROM above a) m JOIN pg_class c ON c.oid = m.oid
                WHERE (pg_get_userbyid(c.relowner)::text = ANY (string_to_array(current_setting('p2pfk.trusted_owners', true), ','))) IS NOT TRUE
                  AND NOT pg_has_role(c.relowner, session_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END))
       OR EXISTS (SELECT FROM member m CROSS JOIN LATERAL (
                        SELECT FROM pg_attribute a WHERE a.attrelid = m.oid AND a.attnum > 0 AND a.atttypid >= 16384 OFFSET 0) a) AS may
:end
