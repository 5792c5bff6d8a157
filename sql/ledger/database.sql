-- Which database this session is connected to, whether it accepts no writes (a standby, or a primary that was demoted), and
-- whether this role may read the system identifier (system-identifier.sql): some managed services do not allow that.
-- not null: database_oid, database_name, in_recovery, may_ask
:begin
SELECT d.oid AS database_oid, d.datname::text AS database_name,
       pg_is_in_recovery() AS in_recovery,
       has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may_ask
  FROM pg_database d
 WHERE d.datname = current_database()
:end
