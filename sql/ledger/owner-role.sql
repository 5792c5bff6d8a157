-- Runs SET ROLE to the role that owns the ledger, :'ledger_owner', if the login is a member of it: what is made belongs to that
-- role, and its other members can continue. :'local' true: until the end of the transaction. Run it as the login's own role.
-- not null: missing
:begin
SELECT r.oid IS NULL AS missing,
       CASE WHEN pg_catalog.pg_has_role(session_user, r.oid,
                   CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 160000 THEN 'SET' ELSE 'MEMBER' END)
            THEN pg_catalog.set_config('role', r.rolname, :'local'::pg_catalog.bool) END AS ledger_role
  FROM (VALUES (:'ledger_owner'::pg_catalog.text)) w(name)
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) w.name
:end
