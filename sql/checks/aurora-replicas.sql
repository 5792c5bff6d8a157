-- The readers of an Aurora cluster, with their lag. is_aurora: whether the server has Aurora's function for it, in pg_catalog and
-- made by a superuser. A function of that name in another schema, or of another owner, is a user's own code, and must not run
-- with our rights. The query has to be valid where there is no such function, so the part that calls it is a text, which
-- query_to_xml runs. Readers that have not reported for five minutes are considered gone. The timestamp is NULL for the instance
-- that the session is connected to.
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora_replica_status.html
-- not null: is_aurora, aurora
-- types: aurora AuroraReader[]
:begin
WITH known AS (
  SELECT EXISTS (SELECT
                   FROM pg_proc p
                   JOIN pg_roles r ON r.oid = p.proowner
                  WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = 'aurora_replica_status' AND p.pronargs = 0
                    AND r.rolsuper AND has_function_privilege(p.oid, 'EXECUTE')) AS is_aurora
)
SELECT k.is_aurora,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('server_id', x.server_id, 'lag_ms', x.lag_ms) ORDER BY x.server_id), '[]')
          FROM XMLTABLE('/table/row' PASSING CASE WHEN k.is_aurora THEN query_to_xml($aurora$
                   SELECT s.server_id::text AS server_id, s.replica_lag_in_msec::float8 AS lag_ms
                     FROM pg_catalog.aurora_replica_status() s
                    WHERE s.session_id::text <> 'MASTER_SESSION_ID'
                      AND s.last_update_timestamp > clock_timestamp() - interval '5 minutes'$aurora$, false, false, '') END
                 COLUMNS server_id text PATH 'server_id', lag_ms float8 PATH 'lag_ms') x) AS aurora
  FROM known k
:end
