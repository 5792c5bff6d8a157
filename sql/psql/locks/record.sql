-- Notes :change_sql in the ledger, with the locks that it holds, and commits. Then :held_ms is known.
SELECT set_config('statement_timeout', '0', true) AS ignored \gset
SELECT p2pfk.record(:'migration_id'::bigint, nullif(:'pair', '')::int, :'step', :'change_sql') AS ignored \gset
COMMIT;
SELECT extract(epoch FROM clock_timestamp() - :'locked_at'::timestamptz) * 1000 AS held_ms \gset
