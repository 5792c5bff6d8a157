-- The ledger's shape in the catalog: one JSON object, from the name of each thing to its definition. Columns by name, not by
-- position: an upgraded table has the same ones in another order. Index, constraint and default as PostgreSQL prints them under
-- sql/session.sql, which is the same from 13 to 18. expected-shape.sql has what the newest version must be.
-- not null: shape
-- types: shape LedgerShape
:begin
WITH t AS (
  SELECT c.oid, c.relname, c.relrowsecurity
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
   WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk'
     AND c.relname OPERATOR(pg_catalog.=) ANY (ARRAY['ledger_version', 'identity', 'migration', 'pair', 'event', 'running']::pg_catalog.name[])
), routine AS (
  SELECT f.*, e.extname, e.extowner
    FROM pg_catalog.pg_proc f
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) f.pronamespace
    LEFT JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) f.oid
                                    AND d.deptype OPERATOR(pg_catalog.=) 'e'
    LEFT JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
   WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk'
), thing(name, shape) AS (
  SELECT pg_catalog.format('column %s.%s', t.relname, a.attname),
         pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                              NULLIF(a.attidentity, ''), NULLIF(a.attgenerated, ''), pg_catalog.pg_get_expr(d.adbin, d.adrelid))
    FROM t
    JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) t.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid OPERATOR(pg_catalog.=) a.attrelid AND d.adnum OPERATOR(pg_catalog.=) a.attnum
  UNION ALL
  -- 18 keeps NOT NULL here too; columns have told it.
  SELECT pg_catalog.format('constraint %s.%s', t.relname, k.conname), pg_catalog.pg_get_constraintdef(k.oid)
    FROM t JOIN pg_catalog.pg_constraint k ON k.conrelid OPERATOR(pg_catalog.=) t.oid AND k.contype OPERATOR(pg_catalog.<>) 'n'
  UNION ALL
  SELECT pg_catalog.format('index %s', i.relname), pg_catalog.pg_get_indexdef(x.indexrelid)
    FROM t
    JOIN pg_catalog.pg_index x ON x.indrelid OPERATOR(pg_catalog.=) t.oid AND x.indisvalid
    JOIN pg_catalog.pg_class i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
  UNION ALL
  SELECT pg_catalog.format('rule %s.%s', t.relname, r.rulename), pg_catalog.pg_get_ruledef(r.oid)
    FROM t JOIN pg_catalog.pg_rewrite r ON r.ev_class OPERATOR(pg_catalog.=) t.oid
  UNION ALL
  SELECT pg_catalog.format('trigger %s.%s', t.relname, g.tgname), pg_catalog.concat_ws(' ', pg_catalog.pg_get_triggerdef(g.oid), NULLIF(g.tgenabled, 'O'))
    FROM t JOIN pg_catalog.pg_trigger g ON g.tgrelid OPERATOR(pg_catalog.=) t.oid AND NOT g.tgisinternal
  UNION ALL
  SELECT pg_catalog.format('row security %s', t.relname), 'on' FROM t WHERE t.relrowsecurity
  UNION ALL
  -- CREATE EXTENSION asks for no right on the schema, only on the database, and what comes with a trusted one is a superuser's
  -- (state.sql has asked): nothing of ours calls it. Unless it has the name of a function of ours: a call of that name could mean it.
  SELECT pg_catalog.format('function %s(%s)%s', f.proname, pg_catalog.pg_get_function_identity_arguments(f.oid),
                           CASE WHEN f.extname IS NOT NULL
                                THEN pg_catalog.format(' of extension %1$I, which belongs to %2$s (as a superuser ALTER EXTENSION %1$I SET SCHEMA ..., or DROP EXTENSION %1$I),',
                                                       f.extname, pg_catalog.pg_get_userbyid(f.extowner)) END),
         pg_catalog.concat_ws(' ', l.lanname, pg_catalog.format_type(f.prorettype, NULL), f.provolatile, f.proconfig::pg_catalog.text,
                              CASE WHEN f.prosecdef THEN 'SECURITY DEFINER' END, pg_catalog.md5(f.prosrc))
    FROM routine f
    JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) f.prolang
   WHERE f.extname IS NULL
      OR EXISTS (SELECT FROM routine o WHERE o.extname IS NULL AND o.proname OPERATOR(pg_catalog.=) f.proname)
)
SELECT COALESCE(pg_catalog.jsonb_object_agg(thing.name, thing.shape), '{}') AS shape FROM thing
:end
