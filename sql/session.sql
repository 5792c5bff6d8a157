-- Every session of ours, set in one place, in one round trip.
--
-- client_min_messages = error: a backend whose client is gone must have nothing to send before its end, or the broken
-- socket stops its validation. search_path = pg_catalog: nobody's function or operator shadows PostgreSQL's own; the
-- caller's path is kept aside, for the one query that must resolve a name as the caller would. TimeZone, DateStyle and
-- the like: bounds are compared as printed text, also with text that another session has stored.
-- idle_in_transaction_session_timeout: a client that freezes (Lambda does that) cannot sit on a lock.
:begin
SELECT set_config('p2pfk.caller_search_path', current_setting('search_path'), false),
       set_config('search_path', 'pg_catalog', false),
       set_config('client_min_messages', 'error', false),
       set_config('lock_timeout', :'lock_timeout_ms'::text, false),
       set_config('statement_timeout', '0', false),
       set_config('idle_in_transaction_session_timeout', '60s', false),
       set_config('TimeZone', 'UTC', false),
       set_config('DateStyle', 'ISO, YMD', false),
       set_config('IntervalStyle', 'postgres', false),
       set_config('extra_float_digits', '1', false),
       set_config('bytea_output', 'hex', false),
       set_config('default_transaction_isolation', 'read committed', false),
       -- 14 and newer can notice a client that is gone; a validation must not.
       (SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'client_connection_check_interval')
:end
