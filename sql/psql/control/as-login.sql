-- Continues as the login, until as-role.sql: a role that is set for it (ALTER ROLE ... SET role) may neither see nor cancel what
-- the login's own sessions run.
SELECT current_setting('role') AS session_role \gset
SELECT set_config('role', 'none', false) AS ignored \gset
