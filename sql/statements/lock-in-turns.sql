-- One statement that takes locks in one of several orders, each for a moment: `ways` is a JSON list of lists of LOCK TABLE
-- statements that all end with the same locks. If one order meets a transaction that waits for us, another may not. The locks of
-- one order are released before the next begins, and the sessions that waited for it continue.
-- Lock: that of the statements; all of them, or none and SQLSTATE 55P03.
-- Blocked by: the same as the statements. A statement that ends with NOWAIT is tried again every 2 ms as long as the moment
--   lasts.
-- Safe because: the caller's statement_timeout, `wait_ms`, limits the whole; a moment is limited by lock_timeout.
--
-- p2pfk.locked_by then has, until the end of the transaction, the statements that took the locks. `attempt` counts the tries
-- before this one: every second one uses one order throughout, for transactions that take nearly as long as the budget; the
-- others change the order every 40 to 100 ms, for many short ones.
-- not null: sql, lock
:begin
WITH wait AS (
  SELECT :'ways'::jsonb AS ways, jsonb_array_length(:'ways'::jsonb) AS orders, greatest(1, :'wait_ms'::int) AS ms, :'attempt'::int AS attempt
), plan AS (
  SELECT w.*, w.orders > 1 AND (w.attempt = 0 OR w.attempt % 2 = 1) AS changes,
         CASE WHEN w.orders > 1 AND (w.attempt = 0 OR w.attempt % 2 = 1)
              THEN greatest(1, w.ms / least(100, greatest(40, w.ms / 9))) ELSE 1 END AS moments
    FROM wait w
), moment AS (
  SELECT p.ways -> CASE WHEN p.changes THEN m.n % p.orders ELSE greatest(0, p.attempt / 2 - 1) % p.orders END AS statements,
         p.ms / p.moments AS ms, m.n
    FROM plan p, generate_series(0, p.moments - 1) m(n)
)
SELECT format('DO %L', format($text$
-- p2pfk: %s LOCK TABLE statements, in turns
DECLARE
  moment record;
  statement text;
  until timestamptz;
BEGIN
  FOR moment IN SELECT m.statements, m.ms FROM pg_catalog.jsonb_to_recordset(%L) AS m(statements jsonb, ms int) LOOP
    until := pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => moment.ms / 1000.0);
    BEGIN
      FOR statement IN SELECT pg_catalog.jsonb_array_elements_text(moment.statements) LOOP
        LOOP
          PERFORM pg_catalog.set_config('lock_timeout', greatest(1, pg_catalog.ceil(
            EXTRACT(epoch FROM until - pg_catalog.clock_timestamp()) * 1000))::int::text, true);
          BEGIN
            EXECUTE statement;
            EXIT;
          EXCEPTION WHEN lock_not_available THEN
            IF pg_catalog.clock_timestamp() >= until THEN
              RAISE;
            END IF;
            PERFORM pg_catalog.pg_sleep(0.002);
          END;
        END LOOP;
      END LOOP;
      PERFORM pg_catalog.set_config('p2pfk.locked_by', (SELECT pg_catalog.string_agg(s.sql, '; ') FROM pg_catalog.jsonb_array_elements_text(moment.statements) s(sql)), true);
      RETURN;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      NULL;
    END;
  END LOOP;
  RAISE EXCEPTION 'not granted within %s ms' USING ERRCODE = 'lock_not_available';
END
$text$, (SELECT orders FROM wait), (SELECT jsonb_agg(jsonb_build_object('statements', m.statements, 'ms', m.ms) ORDER BY m.n)::text FROM moment m),
        (SELECT ms FROM wait))) AS sql,
       'that of the statements' AS lock
:end
