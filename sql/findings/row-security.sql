-- Row security that applies to this role: VALIDATE and the orphan count would see fewer rows than there are, or raise an error
-- under row_security = off. A superuser, a role with BYPASSRLS, and the owner without FORCE are not subject to it. The checks of
-- the FKs themselves run as the owner, and PostgreSQL ignores FORCE there.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH relation AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION SELECT :'referenced_oid'::oid
  UNION SELECT x.oid
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
   CROSS JOIN LATERAL (VALUES (p.referencing_oid), (p.referenced_oid)) x(oid)
  UNION SELECT u.oid FROM jsonb_to_recordset(:'unpaired'::jsonb) AS u(oid oid, side text) WHERE u.side = 'referencing'
), subject AS (
  SELECT format('%I.%I', n.nspname, c.relname) AS name, pg_has_role(c.relowner, 'USAGE') AS owned,
         row_number() OVER (ORDER BY n.nspname, c.relname) AS n
    FROM relation r
    JOIN pg_class c ON c.oid = r.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE row_security_active(c.oid)
)
SELECT 'row-security' AS id, CASE WHEN bool_and(owned) THEN 'error' ELSE 'warning' END AS severity, false AS needs_acceptance,
       format('row security hides rows from role %s in %s%s: neither a validation nor a count would see them', current_user,
              string_agg(name, ', ' ORDER BY n) FILTER (WHERE n <= 5), CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) ELSE '' END) AS message,
       'run as a superuser or as a role with BYPASSRLS; or as the owner, with ALTER TABLE ... NO FORCE ROW LEVEL SECURITY while the migration runs' AS remedy
  FROM subject
HAVING count(*) > 0
:end
