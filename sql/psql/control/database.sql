-- Which database this is (core/ledger/schema/identity.ts): :database_oid, :database_name, :system_identifier (empty: not known), :endpoint.
\ir ../../ledger/database.sql
\set system_identifier ''
\if :may_ask
\ir ../../ledger/system-identifier.sql
\endif
\if :{?HOST}
\else
\set HOST localhost
\endif
SELECT lower(:'HOST') || ':' || :'PORT' AS endpoint \gset
