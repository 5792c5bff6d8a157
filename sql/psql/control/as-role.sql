-- Returns to the role that as-login.sql has left.
SELECT set_config('role', :'session_role', false) AS ignored \gset
