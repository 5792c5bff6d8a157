SELECT pg_advisory_unlock(1882351218, (:'running_oid'::bigint - CASE WHEN :'running_oid'::bigint > 2147483647 THEN 4294967296 ELSE 0 END)::int) AS ignored \gset
