-- The sessions in which steps of the migration work.
-- not null: pid
:begin
SELECT s.pid FROM p2pfk.step_sessions(:'migration_id'::bigint) s(pid)
:end
