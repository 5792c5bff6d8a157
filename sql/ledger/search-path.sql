-- Run before the DDL of the ledger (versions/, functions.sql, views.sql), until the end of the transaction: event triggers of the
-- application find the names that they use in the caller's search_path. pg_catalog first and pg_temp last decide what a table or
-- a type without a schema is. They do not decide what a function or an operator is: one of the caller's path whose arguments fit
-- better is preferred to PostgreSQL's (https://www.postgresql.org/docs/current/typeconv-func.html). So these files qualify every
-- function and every operator.
-- not null: ledger_search_path
:begin
SELECT set_config('search_path', concat_ws(', ', 'pg_catalog', nullif(current_setting('p2pfk.caller_search_path'), ''), 'pg_temp'), true) AS ledger_search_path
:end
