-- Refuses a ledger that cannot be trusted, or is newer than these scripts (core/ledger/schema/state.ts). Afterwards :present, :has_tables,
-- :readable, :is_copy, and :is_older, which is false where it is not readable.
\ir ../../ledger/state.sql
SELECT :'refusal' <> '' AS untrusted \gset
\if :untrusted
\ir refuse.sql
\endif
\set is_older false
\set ledger_version 0
SELECT CASE WHEN :'readable'::boolean THEN :'version_readable'::boolean ELSE false END AS has_version \gset
\if :has_version
\ir ../../ledger/version.sql
SELECT :'version_refusal' <> '' AS unknown_version \gset
\if :unknown_version
\set refusal :version_refusal
\ir refuse.sql
\endif
\endif
