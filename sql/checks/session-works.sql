-- Whether the session :'pid' still works on a statement. Called through a new session whose settings are not pinned, so every
-- name is qualified. A state that this role may not see counts as work.
-- not null: works
:begin
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
                WHERE a.pid OPERATOR(pg_catalog.=) :'pid'::pg_catalog.int4
                  AND COALESCE(a.state OPERATOR(pg_catalog.!~~) 'idle%', true)) AS works
:end
