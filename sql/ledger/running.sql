-- The sessions, other than this one, that run a long statement for the migration.
-- not null: object, pid
:begin
SELECT r.object, h.pid
  FROM p2pfk.running r
 CROSS JOIN LATERAL (SELECT p2pfk.key_holder(r.key) AS pid) h
 WHERE r.migration_id = :'migration_id'::bigint AND h.pid <> pg_backend_pid()
:end
