-- Cancels statements of other sessions of ours for this migration. The sessions are recognized by application_name, login and
-- database. Run it as the login: a role that is set for it may neither see nor cancel them (core/postgres/session/as-login.ts).
-- not null: pid, cancelled
:begin
SELECT a.pid, pg_cancel_backend(a.pid) AS cancelled
  FROM pg_stat_activity a
 WHERE a.datname = current_database() AND a.usename = session_user AND a.pid <> pg_backend_pid()
   AND a.state IN ('active', 'idle in transaction')
   AND a.application_name LIKE 'p2pfk/' || :'migration_id'::text || '/%'
   AND a.application_name NOT LIKE 'p2pfk/' || :'migration_id'::text || '/fence%'
:end
