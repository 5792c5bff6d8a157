-- The cluster's system identifier, made by initdb. Physical copies (standby, snapshot, clone) keep it; a restored dump, initdb
-- and pg_upgrade make another one.
-- not null: system_identifier
:begin
SELECT s.system_identifier::text AS system_identifier FROM pg_control_system() s
:end
