-- How the two tables are partitioned, at the root, and how this role stands to them.
:begin
SELECT c.oid                                                    AS oid,
       format('%I.%I', n.nspname, c.relname)                    AS name,
       p.partstrat                                              AS strategy,
       (SELECT jsonb_agg(a.attname ORDER BY k.n)
          FROM unnest(p.partattrs::int2[]) WITH ORDINALITY k(attnum, n)
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0) AS key_columns,
       -- What else decides where a row goes: HASH goes by the operator family, RANGE by the collation's order.
       (SELECT jsonb_agg(CASE p.partstrat WHEN 'h' THEN o.opcfamily WHEN 'r' THEN k.coll END ORDER BY k.n)
          FROM unnest(p.partclass::oid[], p.partcollation::oid[]) WITH ORDINALITY k(opclass, coll, n)
          JOIN pg_opclass o ON o.oid = k.opclass)               AS key_routing,
       p.partexprs IS NOT NULL                                  AS has_expressions,
       pg_has_role(c.relowner, 'USAGE')                         AS owned,
       pg_get_userbyid(c.relowner)                              AS owner,
       has_table_privilege(c.oid, 'SELECT')                     AS can_select,
       has_table_privilege(c.oid, 'REFERENCES')                 AS can_reference,
       c.relrowsecurity OR c.relforcerowsecurity                AS row_security
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
 WHERE c.oid IN (:'referencing_oid'::oid, :'referenced_oid'::oid)
:end
