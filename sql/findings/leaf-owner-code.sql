-- Code of the application that would run with other rights. The action of a DELETE or UPDATE (CASCADE, SET NULL, SET DEFAULT)
-- runs as the owner of the table that its query names: with the parent FK the partitioned table, with its pair FK the partition.
-- If the two owners differ, a trigger function of a role without rights would run as a superuser, or one that works today would
-- fail. A SECURITY DEFINER trigger function has its own owner's rights either way. Rules are refused anyway (finding `rule`).
--
-- An action that deletes fires triggers; one that updates also evaluates CHECK and exclusion constraints, generated columns,
-- indexes, partition keys, domains, and the defaults of SET DEFAULT. pg_depend has all functions and operators that are not
-- PostgreSQL's own; the others are in a stored expression, and those of them count that can run SQL, read files and the like:
-- volatile with arguments, or the *_to_xml functions, which run queries. Only a superuser can make an operator class, so its
-- functions in C are trusted.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE root AS (
  SELECT c.oid, c.relowner FROM pg_class c WHERE c.oid = :'referencing_oid'::oid
), leaf AS (
  SELECT DISTINCT c.oid, c.relowner, format('%I.%I', n.nspname, c.relname) AS name
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid)
    JOIN pg_class c ON c.oid = p.referencing_oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN root r ON r.relowner <> c.relowner
), action AS (
  SELECT :'actions'::text ~ 'ON DELETE CASCADE' AS deletes,
         :'actions'::text ~ 'ON DELETE SET'     AS delete_sets,
         :'actions'::text ~ 'ON UPDATE (CASCADE|SET)' AS update_sets,
         :'actions'::text ~ 'SET DEFAULT'       AS sets_default,
         (regexp_match(:'actions'::text, 'ON DELETE SET (?:NULL|DEFAULT) \((.*?)\)'))[1] AS list
), changed AS (
  -- The columns that an action changes, and the generated ones, which may follow.
  SELECT l.oid AS leaf, a.attnum, a.atttypid, a.attgenerated <> '' AS generated
    FROM leaf l
   CROSS JOIN action x
    JOIN pg_attribute a ON a.attrelid = l.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE (x.delete_sets OR x.update_sets)
     AND (a.attgenerated <> ''
          OR :'column_names'::jsonb ? a.attname::text
             AND (x.update_sets OR x.list IS NULL OR strpos(', ' || x.list || ', ', ', ' || quote_ident(a.attname) || ', ') > 0))
), fired AS (
  SELECT l.oid AS leaf, g.oid AS trigger, g.tgname, g.tgfoid
    FROM leaf l
   CROSS JOIN action x
    JOIN pg_trigger g ON g.tgrelid = l.oid AND g.tgenabled IN ('O', 'A')
    LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint AND k.contype = 'f'
   WHERE k.oid IS NULL
     AND (x.deletes AND g.tgtype & 8 <> 0
          OR g.tgtype & 16 <> 0
             AND EXISTS (SELECT FROM changed c WHERE c.leaf = l.oid AND (cardinality(g.tgattr::int2[]) = 0 OR c.attnum = ANY (g.tgattr::int2[]))))
), trigger_up AS (
  -- A trigger that a partition inherits keeps the record of what WHEN uses at the table's.
  SELECT f.leaf, f.trigger, f.trigger AS oid FROM fired f
  UNION ALL
  SELECT u.leaf, u.trigger, g.tgparentid FROM trigger_up u JOIN pg_trigger g ON g.oid = u.oid WHERE g.tgparentid <> 0
), table_up AS (
  SELECT DISTINCT c.leaf, c.leaf AS oid FROM changed c
  UNION ALL
  SELECT u.leaf, i.inhparent FROM table_up u JOIN pg_inherits i ON i.inhrelid = u.oid
), type AS (
  SELECT c.leaf, c.atttypid AS oid FROM changed c
  UNION
  SELECT y.leaf, z.oid
    FROM type y
    JOIN pg_type t ON t.oid = y.oid
   CROSS JOIN LATERAL (VALUES (t.typbasetype), (CASE WHEN t.typlen = -1 THEN t.typelem END)) z(oid)
   WHERE z.oid <> 0
), part(leaf, classid, objid, what, expression) AS (
  SELECT u.leaf, 'pg_trigger'::regclass::oid, u.oid, format('trigger %I', f.tgname), g.tgqual::text
    FROM trigger_up u JOIN fired f ON f.trigger = u.trigger JOIN pg_trigger g ON g.oid = u.oid
  UNION ALL
  SELECT u.leaf, 'pg_constraint'::regclass, k.oid, format('constraint %I', k.conname), k.conbin::text
    FROM table_up u JOIN pg_constraint k ON k.conrelid = u.oid AND k.contype IN ('c', 'x') WHERE u.oid = u.leaf
  UNION ALL
  SELECT c.leaf, 'pg_attrdef'::regclass, d.oid, format('the %s of column %I', CASE WHEN c.generated THEN 'expression' ELSE 'default' END, a.attname), d.adbin::text
    FROM changed c
   CROSS JOIN action x
    JOIN pg_attribute a ON a.attrelid = c.leaf AND a.attnum = c.attnum
    JOIN pg_attrdef d ON d.adrelid = c.leaf AND d.adnum = c.attnum
   WHERE c.generated OR x.sets_default
  UNION ALL
  SELECT u.leaf, 'pg_class'::regclass, i.indexrelid, format('index %I', n.relname), concat(i.indexprs::text, i.indpred::text)
    FROM table_up u JOIN pg_index i ON i.indrelid = u.oid JOIN pg_class n ON n.oid = i.indexrelid WHERE u.oid = u.leaf
  UNION ALL
  SELECT u.leaf, 'pg_class'::regclass, t.partrelid, format('the partition key of %s', t.partrelid::regclass), t.partexprs::text
    FROM table_up u JOIN pg_partitioned_table t ON t.partrelid = u.oid
  UNION ALL
  SELECT y.leaf, z.classid, z.oid, format('domain %s', t.oid::regtype), z.expression
    FROM type y
    JOIN pg_type t ON t.oid = y.oid AND t.typtype = 'd'
    LEFT JOIN pg_constraint k ON k.contypid = t.oid
   CROSS JOIN LATERAL (VALUES ('pg_type'::regclass::oid, t.oid, t.typdefaultbin::text), ('pg_constraint'::regclass, k.oid, k.conbin::text)) z(classid, oid, expression)
), code(leaf, line) AS (
  SELECT f.leaf, format('trigger %I, function %s', f.tgname, p.oid::regprocedure)
    FROM fired f JOIN pg_proc p ON p.oid = f.tgfoid
   WHERE NOT p.prosecdef AND p.oid >= 16384
  UNION
  SELECT p.leaf, format('%s, %s', p.what, pg_describe_object(d.refclassid, d.refobjid, 0))
    FROM part p
    JOIN pg_depend d ON d.classid = p.classid AND d.objid = p.objid AND d.refobjid >= 16384
   WHERE d.refclassid = 'pg_operator'::regclass
      OR d.refclassid = 'pg_proc'::regclass
         AND NOT (p.classid = 'pg_trigger'::regclass AND d.refobjid IN (SELECT f.tgfoid FROM fired f WHERE f.leaf = p.leaf))
      -- nextval() needs a right on its sequence.
      OR d.refclassid = 'pg_class'::regclass AND p.classid = 'pg_attrdef'::regclass
         AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.refobjid AND s.relkind = 'S')
      OR d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
         AND EXISTS (SELECT FROM pg_amproc m
                       JOIN pg_proc f ON f.oid = m.amproc
                       JOIN pg_language g ON g.oid = f.prolang
                      WHERE g.lanname NOT IN ('internal', 'c')
                        AND m.amprocfamily = CASE d.refclassid WHEN 'pg_opfamily'::regclass THEN d.refobjid
                                                  ELSE (SELECT o.opcfamily FROM pg_opclass o WHERE o.oid = d.refobjid) END)
  UNION
  SELECT p.leaf, format('%s, function %s', p.what, f.oid::regprocedure)
    FROM part p
   CROSS JOIN LATERAL regexp_matches(p.expression, ':funcid (\d+)', 'g') m(id)
    JOIN pg_proc f ON f.oid = m.id[1]::oid
   WHERE f.oid < 16384 AND (f.provolatile = 'v' AND f.pronargs > 0 OR f.proname ~ '_to_xml')
), found AS (
  SELECT l.*, count(c.*) AS lines,
         (SELECT string_agg(x.line, '; ' ORDER BY x.line) FROM (SELECT y.line FROM code y WHERE y.leaf = l.oid ORDER BY y.line LIMIT 5) x) AS list
    FROM leaf l JOIN code c ON c.leaf = l.oid
   GROUP BY l.oid, l.relowner, l.name
), listed AS (
  -- One finding an owner and what it would run: a table may have hundreds of partitions.
  SELECT g.relowner, g.list, g.lines, count(*) AS leaves, min(g.name) AS first_leaf,
         string_agg(format('ALTER TABLE %s OWNER TO %I', g.name, pg_get_userbyid(r.relowner)), '; ' ORDER BY g.name) FILTER (WHERE g.n <= 20) AS remedies
    FROM (SELECT f.*, row_number() OVER (PARTITION BY f.relowner, f.list, f.lines ORDER BY f.name) AS n FROM found f) g
   CROSS JOIN root r
   GROUP BY g.relowner, g.list, g.lines
)
SELECT 'leaf-owner-code' AS id, 'error' AS severity, false AS needs_acceptance,
       format('the action of a pair foreign key runs as the owner of the partition, and today as the owner of the table: %s%s is owned by %s, %s by %s, and this code would run with the rights of %s: %s%s',
              l.first_leaf, CASE WHEN l.leaves > 1 THEN format(' (and %s more)', l.leaves - 1) ELSE '' END, quote_ident(pg_get_userbyid(l.relowner)),
              :'table'::text, quote_ident(pg_get_userbyid(r.relowner)), quote_ident(pg_get_userbyid(l.relowner)), l.list,
              CASE WHEN l.lines > 5 THEN format('; and %s more', l.lines - 5) ELSE '' END) AS message,
       l.remedies || CASE WHEN l.leaves > 20 THEN format('; and %s more', l.leaves - 20) ELSE '' END AS remedy
  FROM listed l
 CROSS JOIN root r
 ORDER BY l.first_leaf, l.list
:end
