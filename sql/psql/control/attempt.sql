-- Runs :statements, a JSON list of texts, as one: if one fails, all are undone, and the script continues. Then :failed, :sqlstate
-- and :failure have the result, :affected the number of rows that the first one affected, :took_ms the time. In a transaction it
-- is a part of that transaction; alone it is one, which the server finishes even if psql is gone.
--
-- :as_caller true (for this call only): they run with the caller's search_path, as the code of the application that they call
-- expects it. They must be qualified then. They are statements that change something: they are added to :ran, which record.sql
-- notes in the ledger.
--
-- :attempt_end (for this call only) `\; COMMIT;`: the COMMIT is part of the same message, so that the server needs no psql for it.
--
-- A DO block, because psql itself would print each error, and could not continue in the transaction. While the caller's path is
-- set, it calls no function and uses no operator of its own.
SELECT set_config('p2pfk.attempt', :'statements', false) AS ignored, set_config('p2pfk.as_caller', :'as_caller', false) AS ignored \gset
\set noted_statements '[]'
\if :as_caller
\set noted_statements :statements
\endif
\set as_caller false
DO $attempt$
DECLARE
  statements text[] := ARRAY(SELECT jsonb_array_elements_text(current_setting('p2pfk.attempt')::jsonb));
  as_caller boolean := current_setting('p2pfk.as_caller')::boolean;
  statement text := '';
  touched bigint;
  affected bigint;
  began timestamptz := clock_timestamp();
  state text := '';
  message text := '';
  context text := '';
BEGIN
  BEGIN
    IF as_caller THEN
      PERFORM set_config('search_path', current_setting('p2pfk.caller_search_path'), true);
    END IF;
    FOREACH statement IN ARRAY statements LOOP
      EXECUTE statement;
      GET DIAGNOSTICS touched = ROW_COUNT;
      affected := coalesce(affected, touched);
    END LOOP;
    IF as_caller THEN
      SET LOCAL search_path = pg_catalog, pg_temp;
    END IF;
  EXCEPTION WHEN OTHERS OR query_canceled THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, context = PG_EXCEPTION_CONTEXT;
  END;
  -- What stands before our own statement in the context is code of the application: a function of it, and where in it.
  context := CASE WHEN state LIKE '23%' THEN '' ELSE left(context, greatest(0, strpos(context, statement) - 1)) END;
  IF strpos(context, chr(10)) > 0 THEN
    message := message || ' (in ' || split_part(context, chr(10), 1) || ')';
  END IF;
  PERFORM set_config('p2pfk.attempted',
                     jsonb_build_object('failed', state <> '', 'sqlstate', state, 'failure', message,
                                        'affected', coalesce(affected, 0),
                                        'took_ms', extract(epoch FROM clock_timestamp() - began) * 1000)::text, false);
END
$attempt$
:attempt_end
\set attempt_end ';'
SELECT a.*, CASE WHEN a.failed THEN :'ran'::jsonb
                 ELSE :'ran'::jsonb || coalesce((SELECT jsonb_agg(jsonb_build_object('sql', s.sql) ORDER BY s.n)
                                                   FROM jsonb_array_elements_text(:'noted_statements'::jsonb) WITH ORDINALITY s(sql, n)), '[]') END AS ran
  FROM jsonb_to_record(current_setting('p2pfk.attempted')::jsonb)
       AS a(failed boolean, sqlstate text, failure text, affected bigint, took_ms float8) \gset
