-- Those of :'relations' (oids) on which this transaction holds no lock. LOCK TABLE can only name its tables, and PostgreSQL looks the names
-- up anew when it has waited: the owner of a table may have renamed it meanwhile and given its name to another one. Behind a lock on the
-- right table that is over, because RENAME and SET SCHEMA need ACCESS EXCLUSIVE.
-- not null: relation_oid
:begin
SELECT r.oid::oid AS relation_oid
  FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid)
 WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = r.oid::oid)
   AND NOT EXISTS (SELECT FROM pg_locks l
                    WHERE l.pid = pg_backend_pid() AND l.granted AND l.locktype = 'relation' AND l.relation = r.oid::oid
                      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
:end
