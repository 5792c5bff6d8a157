-- Run before state.sql, which takes some milliseconds in every session: whether there is a schema p2pfk at all, and whether it is
-- the one that was found to be trusted a moment ago (seen). A role that is not trusted can change nothing in such a schema until
-- a trusted one grants it a right; what the trusted role has done since then is trusted, too. xmin changes with each change of
-- owner, rights or default of the schema, a table, a column, a function or a trigger. Reads pg_catalog only.
-- not null: seen, readable
:begin
SELECT pg_catalog.format('%s.%s.%s %s as %s since %s', d.oid, n.oid, n.xmin, c.parts, current_user, pg_catalog.pg_postmaster_start_time()) AS seen,
       COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.migration, 'SELECT'), false) AS readable
  FROM pg_catalog.pg_namespace n
 CROSS JOIN pg_catalog.pg_database d
 CROSS JOIN LATERAL (
       WITH relation AS (
         SELECT t.oid, t.xmin, t.relname FROM pg_catalog.pg_class t
          WHERE t.relnamespace OPERATOR(pg_catalog.=) n.oid
            AND t.relname OPERATOR(pg_catalog.=) ANY (ARRAY['ledger_version', 'identity', 'migration', 'pair', 'event', 'running']::pg_catalog.name[])
       ), part(kind, oid, xmin) AS (
         SELECT 1, r.oid, r.xmin FROM relation r
         UNION ALL
         SELECT 2, a.attnum::pg_catalog.int4::pg_catalog.oid, a.xmin
           FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) r.oid
          WHERE a.attnum OPERATOR(pg_catalog.>) 0
         UNION ALL
         SELECT 3, g.oid, g.xmin FROM relation r JOIN pg_catalog.pg_trigger g ON g.tgrelid OPERATOR(pg_catalog.=) r.oid
         UNION ALL
         SELECT 4, f.oid, f.xmin
           FROM pg_catalog.pg_depend p
           JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) p.objid
          WHERE p.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass AND p.refobjid OPERATOR(pg_catalog.=) n.oid
            AND p.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
       )
       SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.format('%s.%s.%s', p.kind, p.oid, p.xmin), ' '
                                                   ORDER BY p.kind, p.oid, p.xmin::pg_catalog.text)) AS parts,
              (SELECT r.oid FROM relation r WHERE r.relname OPERATOR(pg_catalog.=) 'migration') AS migration
         FROM part p) c
 WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk' AND d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
:end
