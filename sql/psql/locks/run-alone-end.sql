-- Gives back the right that run-alone.sql took.
SELECT pg_advisory_unlock(1882351218, :running_key) AS ignored \gset
