-- Limits each following statement of this transaction to :left_ms, what is left of the lock budget since the lock was requested.
SELECT set_config('lock_timeout', l.ms::text, true) AS ignored, set_config('statement_timeout', l.ms::text, true) AS ignored, l.ms AS left_ms
  FROM (SELECT greatest(1, ceil(:lock_timeout_ms - extract(epoch FROM clock_timestamp() - :'lock_began_at'::timestamptz) * 1000))::int AS ms) l \gset
