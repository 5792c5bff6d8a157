-- Gives a new partition its parent's owner. No row: it has that owner already. A partition of another owner could not be altered
-- with the others.
--
-- First revokes what ALTER DEFAULT PRIVILEGES of the role that creates the partition grants other roles on it: the owner has
-- granted none of it, and TRIGGER on a referenced partition is a way past its row-movement guard. A privilege stays where its
-- holder has it on the parent as well, through which it reaches the rows anyway (with row-level security it may reach fewer).
-- Where the owner itself creates the partition, its default privileges are what its CREATE TABLE grants.
-- Lock: ACCESS EXCLUSIVE on the new table, which is not visible to other sessions yet.
-- not null: sql, lock
WITH parent AS (
  SELECT c.oid, c.relowner, c.relrowsecurity, format('%I.%I', :'schema'::text, :'name'::text) AS partition
    FROM pg_class c
   WHERE c.oid = :'parent_oid'::oid AND pg_get_userbyid(c.relowner) <> current_user
), given AS (
  SELECT p.partition, a.grantee, a.privilege_type,
         CASE WHEN NOT p.relrowsecurity AND has_table_privilege(a.grantee, p.oid, a.privilege_type) THEN 'GRANT OPTION FOR ' ELSE '' END AS option
    FROM parent p
    JOIN pg_default_acl d ON d.defaclobjtype = 'r' AND pg_get_userbyid(d.defaclrole) = current_user
                         AND d.defaclnamespace IN (0, coalesce(to_regnamespace(quote_ident(:'schema'::text))::oid, 0))
   CROSS JOIN LATERAL aclexplode(d.defaclacl) a
   WHERE a.grantee NOT IN (d.defaclrole, p.relowner)
     AND (p.relrowsecurity OR NOT has_table_privilege(a.grantee, p.oid, a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END))
)
SELECT s.sql, 'ACCESS EXCLUSIVE on the new partition' AS lock
  FROM (SELECT 1 AS n, format('REVOKE %s%s ON TABLE %s FROM %s', g.option, string_agg(DISTINCT g.privilege_type, ', '), g.partition,
                              CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS sql
          FROM given g
         GROUP BY g.partition, g.grantee, g.option
        UNION ALL
        SELECT 2, format('ALTER TABLE %s OWNER TO %I', p.partition, pg_get_userbyid(p.relowner)) FROM parent p) s
 ORDER BY s.n, s.sql;
