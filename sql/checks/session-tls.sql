-- Whether this session is encrypted, and how: to be run as the login, to which the session belongs. Through a pooler it is the
-- pooler's session.
-- not null: ssl
:begin
SELECT s.ssl, s.version AS ssl_version
  FROM pg_stat_ssl s
 WHERE s.pid = pg_backend_pid()
:end
