-- Shows, for as long as this session lives, that it works: it holds an advisory lock on a random key, which the ledger keeps
-- (p2pfk.key_holder). It waits for nobody: false where another session holds the same key.
-- not null: held
:begin
SELECT pg_try_advisory_lock(:'liveness_key'::bigint) AS held
:end
