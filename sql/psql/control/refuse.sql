-- Ends the script with one line, :refusal, and psql's exit code 3. An open transaction is rolled back, and the session's original
-- settings are restored.
SELECT now() <> statement_timestamp() AS in_transaction \gset
\if :in_transaction
ROLLBACK;
\endif
\ir give-back.sql
-- Of this transaction alone, which ends with the session: the line is read as it was written.
BEGIN;
SET LOCAL client_encoding = 'UTF8';
\ir unprintable.sql
SELECT pg_catalog.set_config('p2pfk.refusal', pg_catalog.regexp_replace(:'refusal', :'unprintable', '?', 'g'), true) AS ignored \gset
DO $$ BEGIN RAISE EXCEPTION '%', pg_catalog.current_setting('p2pfk.refusal'); END $$;
