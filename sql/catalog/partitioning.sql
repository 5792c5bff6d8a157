-- How the two tables are partitioned, at the root, and how this role stands to them.
:begin
SELECT c.oid                                                    AS oid,
       format('%I.%I', n.nspname, c.relname)                    AS name,
       p.partstrat                                              AS strategy,
       (SELECT jsonb_agg(a.attname ORDER BY k.n)
          FROM unnest(p.partattrs::int2[]) WITH ORDINALITY k(attnum, n)
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0) AS key_columns,
       -- What else decides where a row goes, and has to be the same on both sides (as in pairs.sql). HASH goes by the
       -- operator family. Numbers of all exact types are alike elsewhere, strings in a LIST; a date is equal to a timestamptz
       -- in one time zone only, so of these each type is on its own. RANGE goes by the collation's order; a collation that
       -- is not deterministic also decides what is equal.
       (SELECT jsonb_agg(concat_ws(' ',
                 CASE WHEN p.partstrat <> 'h' AND family.opfname IN ('integer_ops', 'numeric_ops') THEN 'number'
                      WHEN p.partstrat = 'l' AND family.opfname IN ('text_ops', 'text_pattern_ops', 'bpchar_ops', 'bpchar_pattern_ops') THEN 'string'
                      ELSE family.oid::text END,
                 CASE WHEN family.opfname = 'datetime_ops' THEN o.opcintype::text END,
                 CASE WHEN p.partstrat = 'r' OR NOT co.collisdeterministic THEN co.oid::text END) ORDER BY k.n)
          FROM unnest(p.partclass::oid[], p.partcollation::oid[]) WITH ORDINALITY k(opclass, coll, n)
          JOIN pg_opclass o ON o.oid = k.opclass
          JOIN pg_opfamily family ON family.oid = o.opcfamily
          LEFT JOIN pg_collation co ON co.oid = k.coll)         AS key_routing,
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
