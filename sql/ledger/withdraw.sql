-- Revokes what ALTER DEFAULT PRIVILEGES of the ledger's owner gives others on its new tables beyond what state.sql accepts, in
-- the transaction that makes them; SELECT stays. What an extension adds is not ours.
DO $withdraw$
DECLARE
  statements text;
BEGIN
  SELECT pg_catalog.string_agg(r.sql, '; ') INTO statements FROM (
    SELECT pg_catalog.format('REVOKE CREATE ON SCHEMA p2pfk FROM %s', g.name)
      FROM pg_catalog.pg_namespace n
     CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
     CROSS JOIN LATERAL (SELECT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
                                     ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text) END) g(name)
     WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk' AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
       AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
    UNION ALL
    SELECT pg_catalog.format('REVOKE %s ON TABLE p2pfk.%I FROM %s', a.privilege_type, c.relname, g.name)
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
     CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
     CROSS JOIN LATERAL (SELECT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
                                     ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text) END) g(name)
     WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk' AND a.grantee OPERATOR(pg_catalog.<>) c.relowner
       AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'v', 'S']::"char"[])
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) c.oid
                          AND d.deptype OPERATOR(pg_catalog.=) 'e')
       -- All others, also those that a later version of PostgreSQL adds: MAINTAIN (17) would let them lock the tables.
       AND a.privilege_type OPERATOR(pg_catalog.<>) 'SELECT'
  ) r(sql);
  IF statements IS NOT NULL THEN
    EXECUTE statements;
  END IF;
END
$withdraw$;
