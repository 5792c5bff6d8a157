-- Gives back the advisory lock that hold-key.sql took, in a session that goes on.
-- not null: released
:begin
SELECT pg_advisory_unlock(:'liveness_key'::bigint) AS released
:end
