-- Runs :sql alone and outside a transaction, as CONCURRENTLY requires, with the caller's search_path. If it fails, psql prints
-- the error, with the function of the application that raised it, and the script ends.
\set VERBOSITY default
\set SHOW_CONTEXT errors
SELECT set_config('search_path', current_setting('p2pfk.caller_search_path'), false) AS ignored \gset
SELECT :'sql' \gexec
SET search_path = pg_catalog, pg_temp;
\set VERBOSITY terse
\set SHOW_CONTEXT never
