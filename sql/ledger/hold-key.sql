-- Shows, as long as this session lives, that it works: it holds an advisory lock on a random key, which the ledger has
-- (p2pfk.key_holder). It does not wait: false where another session holds the same key.
-- not null: held
:begin
SELECT pg_try_advisory_lock(:'liveness_key'::bigint) AS held
:end
