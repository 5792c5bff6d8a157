-- The sessions that show that the owner of the migration is at work.
-- not null: pid
:begin
SELECT s.pid
  FROM p2pfk.migration m
 CROSS JOIN LATERAL p2pfk.owner_sessions(m.id, m.execution, m.liveness_key) s(pid)
 WHERE m.id = :'migration_id'::bigint
:end
