-- For a subscriber of logical replication whose publisher publishes the ledger too (the finding publication-all-tables): makes the
-- ledger's tables there, empty, and marked as a copy that is no ledger of that database. p2pfk refuses to use it as one.
--
--   psql SUBSCRIBER -f sql/ledger-copy.sql
--
-- Then, where the rows are wanted there: ALTER SUBSCRIPTION ... REFRESH PUBLICATION. Can be run again.
\set ON_ERROR_STOP on
\set begin ''
\set end '\\gset'
\set QUIET on
\set VERBOSITY terse
-- What refuse.sql gives back at its end.
\set came_with '{}'
\set came_role none
\set liveness_key ''
SELECT pg_catalog.getdatabaseencoding() AS ignored, pg_catalog.pg_client_encoding() AS came_encoding \gset
-- As in session.sql: our own queries find nothing outside of pg_catalog, and event triggers see the caller's search_path.
SELECT pg_catalog.set_config('p2pfk.caller_search_path', pg_catalog.current_setting('search_path'), false) AS ignored \gset
SET search_path = pg_catalog, pg_temp;
-- The ledger's functions replace older ones, of which there are none here: PostgreSQL would say so.
SET client_min_messages = warning;
-- Before anything of the schema is believed, also that it is a copy: a role that may CREATE in this database can have made it, with triggers that
-- the subscription would run for each row that it brings.
\set ledger_owner ''
\ir psql/control/role-of-database.sql
\ir psql/control/ledger.sql
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'p2pfk' AND c.relname = 'ledger_version') AS there,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'p2pfk' AND c.relname = 'ledger_version'
                  AND obj_description(c.oid, 'pg_class') LIKE 'Copy of a ledger%') AS copied \gset
\if :copied
\ir ledger/complete-copy.sql
\echo ✓ The schema p2pfk is a copy already
\q
\endif
\if :there
\set refusal 'this database has a ledger of its own: the rows of the publisher must not go into it. Leave the schema p2pfk out of the subscription'
\ir psql/control/refuse.sql
\endif
BEGIN;
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'p2pfk') AS there \gset
\ir ledger/search-path.sql
\if :there
\else
\ir ledger/create-schema.sql
\endif
\ir ledger/versions/001-tables.sql
\ir ledger/versions/002-one-shape.sql
\ir ledger/versions/003-identity-and-evidence.sql
\ir ledger/versions/004-what-was-approved.sql
\ir ledger/versions/005-proofs.sql
\ir ledger/versions/006-current-catalog.sql
\ir ledger/functions.sql
\ir ledger/mark-copy.sql
COMMIT;
\echo ✓ Created the tables of the ledger as a copy
