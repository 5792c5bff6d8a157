-- Before state.sql, which takes some milliseconds of every session: is there a schema p2pfk at all, and is it the one that was
-- found to be trusted a moment ago (seen)? A role that is not trusted can change nothing in such a schema until a trusted one gives
-- it a right; what that one has done to it since then is trusted, too. xmin changes with each change of owner or rights of the
-- schema or of a table. Asks pg_catalog alone.
:begin
SELECT pg_catalog.format('%s.%s.%s %s as %s since %s', d.oid, n.oid, n.xmin, c.tables, current_user, pg_catalog.pg_postmaster_start_time()) AS seen,
       COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.migration, 'SELECT'), false) AS readable
  FROM pg_catalog.pg_namespace n
 CROSS JOIN pg_catalog.pg_database d
 CROSS JOIN LATERAL (
       SELECT pg_catalog.string_agg(pg_catalog.format('%s.%s', t.oid, t.xmin), ' ' ORDER BY t.oid) AS tables,
              pg_catalog.max(t.oid) FILTER (WHERE t.relname OPERATOR(pg_catalog.=) 'migration') AS migration
         FROM pg_catalog.pg_class t
        WHERE t.relnamespace OPERATOR(pg_catalog.=) n.oid
          AND t.relname OPERATOR(pg_catalog.=) ANY (ARRAY['ledger_version', 'identity', 'migration', 'pair', 'event', 'running']::pg_catalog.name[])) c
 WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk' AND d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
:end
