-- How the two tables are partitioned, at the root, and which rights this role has on them.
-- not null: oid, name, strategy, key_columns, key_routing, has_expressions, owned, owner, can_select, can_reference
-- types: key_columns (string | null)[], key_routing (string | null)[]
:begin
SELECT c.oid                                                    AS oid,
       format('%I.%I', n.nspname, c.relname)                    AS name,
       p.partstrat                                              AS strategy,
       (SELECT jsonb_agg(a.attname ORDER BY k.n)
          FROM unnest(p.partattrs::int2[]) WITH ORDINALITY k(attnum, n)
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0) AS key_columns,
       -- What else decides where a row goes, and has to be the same on both sides (as in pairs.sql). HASH goes by the
       -- operator family. Numbers of all exact types are alike elsewhere, strings in a LIST, but for a referenced char(n), which
       -- ignores trailing blanks that text does not; a date is equal to a timestamptz in one time zone only, so of these each
       -- type is on its own. RANGE goes by the collation's order; a collation that is not deterministic also decides what is
       -- equal, be it the column's own.
       (SELECT jsonb_agg(concat_ws(' ',
                 CASE WHEN p.partstrat <> 'h' AND builtin IN ('integer_ops', 'numeric_ops') THEN 'number'
                      WHEN p.partstrat = 'l' AND builtin IN ('text_ops', 'text_pattern_ops') THEN 'string'
                      WHEN p.partstrat = 'l' AND builtin IN ('bpchar_ops', 'bpchar_pattern_ops')
                        THEN CASE WHEN r.blank_padded THEN 'char' ELSE 'string' END
                      ELSE family.oid::text END,
                 CASE WHEN p.partstrat = 'h' AND builtin = 'datetime_ops' THEN o.opcintype::text
                      WHEN p.partstrat <> 'h' AND coalesce(builtin NOT IN ('integer_ops', 'numeric_ops', 'float_ops', 'text_ops', 'text_pattern_ops', 'bpchar_ops', 'bpchar_pattern_ops'), true)
                        THEN o.opcintype::text END,
                 CASE WHEN p.partstrat = 'r' OR NOT co.collisdeterministic THEN co.oid::text END,
                 CASE WHEN NOT own.collisdeterministic THEN format('attribute %s of %s', k.attnum, c.oid) END) ORDER BY k.n)
          FROM unnest(p.partattrs::int2[], p.partclass::oid[], p.partcollation::oid[]) WITH ORDINALITY k(attnum, opclass, coll, n)
          JOIN pg_opclass o ON o.oid = k.opclass
          JOIN pg_opfamily family ON family.oid = o.opcfamily
         CROSS JOIN LATERAL (SELECT CASE WHEN family.opfnamespace = 'pg_catalog'::regnamespace THEN family.opfname END AS builtin) own_family
          LEFT JOIN pg_collation co ON co.oid = k.coll
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
          LEFT JOIN pg_collation own ON own.oid = a.attcollation AND own.oid <> k.coll
          LEFT JOIN LATERAL (
               SELECT t.typoutput = 'pg_catalog.bpcharout'::regproc AS blank_padded
                 FROM jsonb_array_elements_text(CASE c.oid WHEN :'referenced_oid'::oid THEN :'referenced_column_names'::jsonb ELSE :'column_names'::jsonb END)
                      WITH ORDINALITY f(name, n)
                 JOIN jsonb_array_elements_text(:'referenced_column_names'::jsonb) WITH ORDINALITY g(name, n) ON g.n = f.n
                 JOIN pg_attribute b ON b.attrelid = :'referenced_oid'::oid AND b.attname = g.name
                 JOIN pg_type t ON t.oid = b.atttypid
                WHERE f.name = a.attname) r ON true)                    AS key_routing,
       p.partexprs IS NOT NULL                                  AS has_expressions,
       pg_has_role(c.relowner, 'USAGE')                         AS owned,
       pg_get_userbyid(c.relowner)                              AS owner,
       has_table_privilege(c.oid, 'SELECT')                     AS can_select,
       has_table_privilege(c.oid, 'REFERENCES')                 AS can_reference
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
 WHERE c.oid IN (:'referencing_oid'::oid, :'referenced_oid'::oid)
:end
