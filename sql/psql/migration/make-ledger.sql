-- Makes the ledger, or upgrades an older one to the newest version, in one transaction (core/ledger/schema/make-ledger.ts), and
-- refuses one that does not have the shape of its version. If it is the newest, only its views are made again, if they differ.
\ir ../control/ledger.sql
\if :is_copy
\set refusal 'refused, nothing was changed: the schema p2pfk of this database is a copy of the ledger of the database that it subscribes to'
\ir ../control/refuse.sql
\endif
SELECT NOT (:'readable'::boolean AND NOT :'is_older'::boolean) AS makes_ledger \gset
\if :makes_ledger
BEGIN;
\if :present
\else
-- Another one may come at the same moment: then his is looked at.
\set statements '["CREATE SCHEMA p2pfk"]'
\set as_caller true
\ir ../control/attempt.sql
SELECT :'failed'::boolean AND :'sqlstate' NOT IN ('42P06', '23505') AS refused, :'failure' AS refusal \gset
\if :refused
\ir ../control/refuse.sql
\endif
\if :failed
\else
\ir ../../ledger/search-path.sql
\ir ../../ledger/withdraw.sql
SET LOCAL search_path = pg_catalog, pg_temp;
\endif
\ir ../control/ledger.sql
\endif
\ir ../../ledger/search-path.sql
\ir ../../ledger/name-schema.sql
SET LOCAL search_path = pg_catalog, pg_temp;
-- Asked again: another one may have made it while this one waited for the schema.
\ir ../control/ledger.sql
SELECT NOT :'has_tables'::boolean OR :'is_older'::boolean AS upgrades,
       NOT :'has_tables'::boolean AS lacks_1,
       CASE WHEN NOT :'has_tables'::boolean THEN true WHEN :'is_older'::boolean THEN :'ledger_version'::int < 2 ELSE false END AS lacks_2,
       CASE WHEN NOT :'has_tables'::boolean THEN true WHEN :'is_older'::boolean THEN :'ledger_version'::int < 3 ELSE false END AS lacks_3,
       CASE WHEN NOT :'has_tables'::boolean THEN true WHEN :'is_older'::boolean THEN :'ledger_version'::int < 4 ELSE false END AS lacks_4,
       CASE WHEN NOT :'has_tables'::boolean THEN true WHEN :'is_older'::boolean THEN :'ledger_version'::int < 5 ELSE false END AS lacks_5,
       CASE WHEN NOT :'has_tables'::boolean THEN true WHEN :'is_older'::boolean THEN :'ledger_version'::int < 6 ELSE false END AS lacks_6 \gset
\ir ../../ledger/search-path.sql
\if :lacks_1
\ir ../../ledger/versions/001-tables.sql
\endif
\if :lacks_2
\ir ../../ledger/versions/002-one-shape.sql
\endif
\if :lacks_3
\ir ../../ledger/versions/003-identity-and-evidence.sql
\endif
\if :lacks_4
\ir ../../ledger/versions/004-what-was-approved.sql
\endif
\if :lacks_5
\ir ../../ledger/versions/005-proofs.sql
\endif
\if :lacks_6
\ir ../../ledger/versions/006-current-catalog.sql
\endif
\if :upgrades
\ir ../../ledger/functions.sql
\ir ../../ledger/views.sql
\ir ../../ledger/withdraw.sql
\endif
SET LOCAL search_path = pg_catalog, pg_temp;
\if :upgrades
\ir ../control/database.sql
\set known_migration_id :migration_id
\set migration_id ''
\ir ../../ledger/unmatched.sql
\ir ../../ledger/link-first.sql
\set migration_id :known_migration_id
\endif
\ir ../control/ledger.sql
-- psql has no text of the files that it includes: the note names them.
SELECT CASE WHEN :'present'::boolean AND NOT :'upgrades'::boolean THEN 'sql/ledger/name-schema.sql'
            ELSE concat_ws(', ', CASE WHEN :'lacks_1'::boolean THEN 'sql/ledger/create-schema.sql, sql/ledger/versions/001-tables.sql' END,
                           CASE WHEN :'lacks_2'::boolean THEN 'sql/ledger/versions/002-one-shape.sql' END,
                           CASE WHEN :'lacks_3'::boolean THEN 'sql/ledger/versions/003-identity-and-evidence.sql' END,
                           CASE WHEN :'lacks_4'::boolean THEN 'sql/ledger/versions/004-what-was-approved.sql' END,
                           CASE WHEN :'lacks_5'::boolean THEN 'sql/ledger/versions/005-proofs.sql' END,
                           CASE WHEN :'lacks_6'::boolean THEN 'sql/ledger/versions/006-current-catalog.sql' END,
                           'sql/ledger/functions.sql', 'sql/ledger/views.sql', 'sql/ledger/withdraw.sql') END AS files,
       :'migration_id' AS of_migration \gset
SELECT format('-- the statements of %s', :'files') AS sql \gset
\set migration_id ''
\set pair ''
\set step Ledger
\set duration_ms ''
\set error ''
\ir ../../ledger/note-event.sql
\ir kept-views.sql
\if :kept_views
\set sql ''
\set error :kept_label
\ir ../../ledger/note-event.sql
\endif
\set migration_id :of_migration
\ir ../../ledger/settle-sequences.sql
\endif
\ir ../../ledger/shape.sql
\ir ../../ledger/expected-shape.sql
\ir ../../ledger/drift.sql
SELECT :'drift_refusal' <> '' AS drifted \gset
\if :drifted
\set refusal :drift_refusal
\ir ../control/refuse.sql
\endif
\if :makes_ledger
COMMIT;
\else
BEGIN;
\ir ../../ledger/search-path.sql
\ir ../../ledger/views.sql
SET LOCAL search_path = pg_catalog, pg_temp;
\ir kept-views.sql
COMMIT;
\endif
