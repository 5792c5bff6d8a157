-- Gives a new partition its parent's owner; no row: it has that already. A partition of somebody else could not be altered
-- with the others.
-- Lock: ACCESS EXCLUSIVE on the new table, which is nobody else's yet.
SELECT format('ALTER TABLE %I.%I OWNER TO %I', :'schema'::text, :'name'::text, pg_get_userbyid(c.relowner)) AS sql,
       'ACCESS EXCLUSIVE on the new partition' AS lock
  FROM pg_class c
 WHERE c.oid = :'parent_oid'::oid AND pg_get_userbyid(c.relowner) <> current_user;
