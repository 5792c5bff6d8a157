-- Tells, for as long as this session lives, that the process of a local execution lives.
:begin
SELECT pg_advisory_lock(1882351216, hashtext(:'execution'::text))  -- 'p2fp'
:end
