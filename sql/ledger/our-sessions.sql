-- The sessions that are ours: any role may name its own so.
-- not null: pid
:begin
SELECT s.pid FROM p2pfk.our_sessions() s(pid)
:end
