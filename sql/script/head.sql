-- The settings that the statements below need, as p2pfk migrate pins them (sql/session.sql). The DDL runs under this session's
-- original search_path: CHECK functions, triggers and event triggers of the application may need it.
\set ON_ERROR_STOP on
\set QUIET on
SELECT pg_catalog.current_setting('search_path') AS caller_search_path \gset
SET search_path = pg_catalog, pg_temp;
SET standard_conforming_strings = on;
SET client_encoding = 'UTF8';
SET quote_all_identifiers = off;
SET array_nulls = on;
SET transform_null_equals = off;
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET row_security = off;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = '60s';
SET client_min_messages = 'warning';
