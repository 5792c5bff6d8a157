-- Run on a reader: whether it is a standby, whether this role can see other roles' sessions there, and how long a replay waits
-- for a query.
-- not null: in_recovery, sees_all, streaming_delay
SELECT pg_is_in_recovery() AS in_recovery,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
       current_setting('max_standby_streaming_delay') AS streaming_delay;
