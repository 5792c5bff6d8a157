-- Takes the right to run a long statement on the object with the oid :running_oid, as core/detached.ts does ('p2fr'): one
-- that an execution of p2pfk left running in the server is found here, and ours there. run-alone-end.sql gives it back.
-- An oid is unsigned, the lock's key is signed: the same 32 bits.
SELECT (:running_oid - CASE WHEN :running_oid > 2147483647 THEN 4294967296 ELSE 0 END)::int AS running_key \gset
SELECT pg_try_advisory_lock(1882351218, :running_key) AS alone,
       format('%s: a session that was left running still works on it; run the script again when it has ended', :'subject') AS refusal \gset
\if :alone
\else
\set error_name MigrationInProgress
\ir ../control/give-up.sql
\endif
