-- Claims the right to run a long statement on :'object', the oid of a table or constraint, for the session that holds the lock of
-- :'liveness_key'. No row: another session, which may have lost its client, still works on it. If several claim it at the same
-- moment, one gets it: the others wait for the row's lock, and then find its key.
-- not null: pid
:begin
INSERT INTO p2pfk.running AS r (object, migration_id, key)
VALUES (:'object'::oid, :'migration_id'::bigint, :'liveness_key'::bigint)
ON CONFLICT (object) DO UPDATE SET migration_id = excluded.migration_id, key = excluded.key, since = now()
 WHERE r.key = excluded.key OR p2pfk.key_holder(r.key) IS NULL
RETURNING pg_backend_pid() AS pid
:end
