-- Before state.sql, which takes some milliseconds: is there a schema p2pfk at all, and is it the one that this session has asked
-- about as the same role (seen)? What its owner has done to it since then is trusted, too. Asks pg_catalog alone.
:begin
SELECT pg_catalog.format('%s as %s', n.oid, current_user) AS seen,
       COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(m.oid, 'SELECT'), false) AS readable
  FROM pg_catalog.pg_namespace n
  LEFT JOIN pg_catalog.pg_class m ON m.relnamespace OPERATOR(pg_catalog.=) n.oid AND m.relname OPERATOR(pg_catalog.=) 'migration'
 WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk'
:end
