-- Runs :statements, a JSON list of texts, as one: where one fails, nothing of it stays, and the script goes on. Then
-- :failed, :sqlstate and :failure tell how it went, :affected the rows that the first one touched, :took_ms how long it
-- took. In a transaction it is a part of it; alone it is one, which ends in the server also when psql is gone.
--
-- A DO block, because psql itself would print each error, and could not go on in the transaction.
SELECT set_config('p2pfk.attempt', :'statements', false) AS ignored \gset
DO $attempt$
DECLARE
  statement text;
  touched bigint;
  affected bigint;
  began timestamptz := clock_timestamp();
  state text := '';
  message text := '';
BEGIN
  BEGIN
    FOR statement IN SELECT jsonb_array_elements_text(current_setting('p2pfk.attempt')::jsonb) LOOP
      EXECUTE statement;
      GET DIAGNOSTICS touched = ROW_COUNT;
      affected := coalesce(affected, touched);
    END LOOP;
  EXCEPTION WHEN OTHERS OR query_canceled THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
  END;
  PERFORM set_config('p2pfk.attempted',
                     jsonb_build_object('failed', state <> '', 'sqlstate', state, 'failure', message,
                                        'affected', coalesce(affected, 0),
                                        'took_ms', extract(epoch FROM clock_timestamp() - began) * 1000)::text, false);
END
$attempt$;
SELECT a.*
  FROM jsonb_to_record(current_setting('p2pfk.attempted')::jsonb)
       AS a(failed boolean, sqlstate text, failure text, affected bigint, took_ms float8) \gset
