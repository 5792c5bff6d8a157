-- For the DDL of the ledger, until the end of the transaction: event triggers of the application find what they name in the
-- caller's search_path, and our own texts, which do not qualify every name, find PostgreSQL's first.
:begin
SELECT set_config('search_path', concat_ws(', ', 'pg_catalog', nullif(current_setting('p2pfk.caller_search_path'), '')), true) AS ledger_search_path
:end
