-- Roles that may create triggers on a referenced partition, and so can put one behind the row-movement guard (or, from 14 on,
-- CREATE OR REPLACE the guard itself): a BEFORE UPDATE trigger that changes the partition key moves the row, and ON DELETE acts
-- silently on its referencing rows. With the parent FK such an UPDATE is refused (15 and newer). TRIGGER on a table above is
-- enough, because its row triggers are added to all partitions. Owners of the tables in between have it, too; those of the
-- partitions are in leaf-owner.sql.
--
-- A role gains nothing if it has the rights of the owner, or can have the same effect without a trigger: by a DELETE of the
-- referenced rows, or a DELETE (for SET NULL and SET DEFAULT an UPDATE) of the referencing ones, on each partition that the
-- trigger reaches. So GRANT ALL ON ALL TABLES to the application's role is nothing new. Behind row-level security a privilege
-- proves little, so there it does not count.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE pair AS (
  SELECT DISTINCT p.referencing_oid, p.referenced_oid, substring(:'actions'::text FROM 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)') AS action
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
   WHERE coalesce((:'options'::jsonb -> 'rowMovementGuard')::boolean, true)
     AND :'actions'::text ~ 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)'
), up AS (
  SELECT s.oid AS leaf, s.oid FROM pair p CROSS JOIN LATERAL (VALUES (p.referencing_oid), (p.referenced_oid)) s(oid)
  UNION
  SELECT u.leaf, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid
), source AS MATERIALIZED (
  -- On which a trigger reaches some referenced leaf.
  SELECT c.oid, c.relowner, format('%I.%I', n.nspname, c.relname) AS name, coalesce(c.relacl, acldefault('r', c.relowner)) AS acl,
         EXISTS (SELECT FROM pair p WHERE p.referenced_oid = c.oid) AS is_leaf
    FROM (SELECT DISTINCT u.oid FROM up u JOIN pair p ON p.referenced_oid = u.leaf) s
    JOIN pg_class c ON c.oid = s.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
), holder AS MATERIALIZED (
  SELECT h.role, h.source, h.remedy
    FROM (SELECT a.grantee AS role, s.oid AS source, s.relowner AS owner,
                 CASE WHEN a.grantor = s.relowner
                      THEN format('REVOKE TRIGGER ON %s FROM %s%s', s.name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                                  CASE WHEN a.is_grantable THEN ' CASCADE' ELSE '' END)
                      ELSE format('REVOKE GRANT OPTION FOR TRIGGER ON %s FROM %s CASCADE', s.name,
                                  (SELECT string_agg(quote_ident(pg_get_userbyid(g.grantee)), ', ' ORDER BY g.grantee)
                                     FROM aclexplode(s.acl) g
                                    WHERE g.privilege_type = 'TRIGGER' AND g.grantor = s.relowner AND g.grantee <> s.relowner AND g.is_grantable)) END AS remedy
            FROM source s CROSS JOIN LATERAL aclexplode(s.acl) a
           WHERE a.privilege_type = 'TRIGGER' AND a.grantee <> s.relowner
          UNION ALL
          SELECT s.relowner, s.oid, r.relowner, format('ALTER TABLE %s OWNER TO %I', s.name, pg_get_userbyid(r.relowner))
            FROM source s JOIN pg_class r ON r.oid = :'referenced_oid'::oid
           WHERE NOT s.is_leaf AND s.relowner <> r.relowner) h
    JOIN pg_class r ON r.oid = :'referenced_oid'::oid
   CROSS JOIN (SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET, USAGE' ELSE 'MEMBER' END AS mode) v
   WHERE h.role = 0 OR NOT (pg_has_role(h.role, h.owner, v.mode) OR pg_has_role(h.role, r.relowner, v.mode))
), right_on AS MATERIALIZED (
  SELECT h.role, c.oid, has_table_privilege(h.role, c.oid, 'DELETE') AS deletes, has_table_privilege(h.role, c.oid, 'UPDATE') AS updates
    FROM (SELECT DISTINCT role FROM holder) h
   CROSS JOIN (SELECT DISTINCT oid FROM up) u
    JOIN pg_class c ON c.oid = u.oid AND NOT c.relrowsecurity
), reached AS (
  -- What a role can do anyway to the rows of a leaf, through the leaf itself or a table above it.
  SELECT r.role, u.leaf, bool_or(r.deletes) AS deletes, bool_or(r.updates) AS updates
    FROM right_on r JOIN up u ON u.oid = r.oid
   GROUP BY r.role, u.leaf
), gain AS (
  SELECT h.role, h.source, min(h.remedy) AS remedy, min(s.name) AS name, min(p.action) AS action
    FROM holder h
    JOIN source s ON s.oid = h.source
    JOIN up u ON u.oid = h.source
    JOIN pair p ON p.referenced_oid = u.leaf
    LEFT JOIN reached d ON d.role = h.role AND d.leaf = p.referenced_oid
    LEFT JOIN reached g ON g.role = h.role AND g.leaf = p.referencing_oid
   WHERE NOT coalesce(d.deletes, false)
     AND NOT coalesce(CASE p.action WHEN 'CASCADE' THEN g.deletes ELSE g.updates END, false)
   GROUP BY h.role, h.source
), told AS (
  SELECT g.role, count(*) AS tables, min(g.action) AS action, min(g.name) AS first,
         string_agg(g.remedy, '; ' ORDER BY g.name) FILTER (WHERE g.n <= 20) AS remedies
    FROM (SELECT g.*, row_number() OVER (PARTITION BY g.role ORDER BY g.name) AS n FROM gain g) g
   GROUP BY g.role
)
SELECT 'trigger-privilege' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('%s may create triggers on %s%s: after the migration it can put one there in place of, or behind, the trigger that refuses row movement, after which an UPDATE that changes the partition key would run ON DELETE %s on referencing rows that it has no right to change',
              CASE t.role WHEN 0 THEN 'PUBLIC' ELSE format('role %I', pg_get_userbyid(t.role)) END, t.first,
              CASE WHEN t.tables > 1 THEN format(' and %s more', t.tables - 1) ELSE '' END, t.action) AS message,
       t.remedies || CASE WHEN t.tables > 20 THEN format('; and %s more', t.tables - 20) ELSE '' END AS remedy
  FROM told t
 ORDER BY t.role
:end
