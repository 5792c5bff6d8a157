-- The sessions that are ours, which any role may name its own session like.
-- not null: pid
:begin
SELECT s.pid FROM p2pfk.our_sessions() s(pid)
:end
