-- Limits each following statement of this transaction, and the pause after it, to :left_ms, what is left of :lock_allowed_ms since the
-- lock was requested. If nothing is left, the transaction is rolled back and the script ends. psql cannot do this for each
-- statement, so the scripts do it between the parts of the work, and once more before COMMIT. On 17 and newer transaction_timeout
-- (try-lock.sql) ends a transaction that is later than that.
SELECT set_config('lock_timeout', l.ms::text, true) AS ignored, set_config('statement_timeout', l.ms::text, true) AS ignored,
       set_config('idle_in_transaction_session_timeout', (least(l.ms, :lock_timeout_ms) + 50)::text, true) AS ignored,
       l.ms AS left_ms, l.rest <= 0 AS is_over
  FROM (SELECT r.rest, greatest(1, ceil(r.rest))::int AS ms
          FROM (SELECT :lock_allowed_ms - extract(epoch FROM clock_timestamp() - :'lock_began_at'::timestamptz) * 1000 AS rest) r) l \gset
\if :is_over
ROLLBACK;
SELECT format('%s did not fit into the lock budget of %s ms; it was rolled back: run this script again, in a calmer moment, nearer to the server, or with a larger lock_timeout_ms',
              :'subject', :'lock_timeout_ms') AS refusal \gset
\set error_name LockTimeout
\ir ../control/give-up.sql
\endif
