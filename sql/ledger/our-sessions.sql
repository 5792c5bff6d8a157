-- The sessions that are ours: any role may name its own so.
:begin
SELECT s.pid FROM p2pfk.our_sessions() s(pid)
:end
