-- Tells in one line why the ledger's views for people stay as they were. Sets kept_views, and kept_label where that is true.
\ir ../../ledger/views-outcome.sql
SELECT :'views_kept' <> '' AS kept_views \gset
\if :kept_views
\ir ../control/unprintable.sql
SELECT pg_catalog.regexp_replace(:'views_kept', :'unprintable', '?', 'g') AS kept_label \gset
\echo :kept_label
\endif
