-- Roles that --trust-owner names (p2pfk.trusted_owners) and that could not become the login: plan, ledger and report have to show
-- that their code may have run with the login's rights.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'trusted-owner' AS id, 'info' AS severity, false AS needs_acceptance,
       format('code of role %I on these tables may run with the rights of %I, because the operator trusts that role (--trust-owner; psql: trust_owners)',
              r.rolname, session_user) AS message,
       format('to do without it, connect as %I', r.rolname) AS remedy
  FROM (SELECT DISTINCT n.name FROM unnest(string_to_array(current_setting('p2pfk.trusted_owners', true), ',')) n(name)) named
  JOIN pg_roles r ON r.rolname::text = named.name
 WHERE NOT pg_has_role(r.oid, session_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
 ORDER BY r.rolname
:end
