-- Chooses a random key, and holds it until give-back.sql: in the ledger, it is the sign that this session is alive.
SELECT ('x' || left(md5(gen_random_uuid()::text), 16))::bit(64)::bigint AS liveness_key \gset
\ir ../../ledger/hold-key.sql
