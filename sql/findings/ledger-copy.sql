-- The schema p2pfk of this database is the copy of another database's ledger (ledger-copy.sql), which logical replication fills.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'ledger-copy' AS id, 'error' AS severity, false AS needs_acceptance,
       'the schema p2pfk of this database is a copy of the ledger of the database that it subscribes to: its rows are about the tables there' AS message,
       'migrate there; to migrate this database as well, end the replication of that schema first, then: DROP SCHEMA p2pfk CASCADE' AS remedy
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'p2pfk' AND c.relname = 'ledger_version' AND obj_description(c.oid, 'pg_class') LIKE 'Copy of a ledger%'
:end
