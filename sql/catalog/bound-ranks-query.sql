-- Writes a query that sorts the literals of the bounds in :'tree' (see pairs.sql) for each spec of the referenced side, so that
-- containment.sql compares numbers: `rank` is 1 for the smallest, and equal values have equal ranks. A LIST value has one row
-- with n = 0; the lower bound of a RANGE is n = 1, the upper n = 2, and `edge` is -1 where it is MINVALUE as a whole, 1 where it
-- is MAXVALUE. SQL NULL: there is nothing to rank.
--
-- PostgreSQL compares the bounds, not as text: each literal is cast to its key column's type, then to one type for both sides,
-- and sorted by the operator and the collation of the partition key's operator class, so the query has to be written before it
-- can be run. Every name in it is qualified: it has the same meaning under any search_path. MINVALUE and MAXVALUE become a number
-- before each value (-1, 0, 1). NULL in a LIST is left out, because a key with a NULL references nothing.

:begin
WITH node AS (
  SELECT * FROM jsonb_to_recordset(:'tree'::jsonb) AS n(side text, oid oid, parent oid, spec text, strategy text, bound text)
), spec AS (
  SELECT spec, strategy, min(parent) FILTER (WHERE side = 'referencing') AS referencing,
         min(parent) FILTER (WHERE side = 'referenced') AS referenced
    FROM node
   WHERE strategy IN ('l', 'r')
   GROUP BY spec, strategy
  HAVING bool_or(side = 'referenced')
), key AS (
  SELECT s.spec, s.strategy, x.side, k.n::int, format_type(own.type, -1) AS type, c.common,
         -- Text that is only looked up in a LIST is equal where its bytes are, unless the collation says otherwise.
         CASE WHEN k.coll = 0 THEN ''
              WHEN s.strategy = 'l' AND co.collisdeterministic AND family.builtin IN ('text', 'char') THEN ' COLLATE pg_catalog."C"'
              ELSE format(' COLLATE %I.%I', cn.nspname, co.collname) END AS collation,
         coalesce((SELECT format('OPERATOR(%I.%s)', opn.nspname, op.oprname)
                     FROM pg_amop m
                     JOIN pg_operator op ON op.oid = m.amopopr
                     JOIN pg_namespace opn ON opn.oid = op.oprnamespace
                    WHERE c.common IS NULL AND m.amopfamily = o.opcfamily AND m.amopstrategy = 1
                      AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype),
                  CASE WHEN s.strategy = 'r' AND f.opfname IN ('text_pattern_ops', 'bpchar_pattern_ops') THEN 'OPERATOR(pg_catalog.~<~)'
                       ELSE 'OPERATOR(pg_catalog.<)' END) AS less
    FROM spec s
   CROSS JOIN LATERAL (VALUES ('referencing', s.referencing), ('referenced', s.referenced)) x(side, parent)
    JOIN pg_partitioned_table p ON p.partrelid = x.parent
   CROSS JOIN LATERAL unnest(p.partattrs::int2[], p.partclass::oid[], p.partcollation::oid[])
                      WITH ORDINALITY k(attnum, opclass, coll, n)
    JOIN pg_opclass o ON o.oid = k.opclass
    JOIN pg_opfamily f ON f.oid = o.opcfamily
    JOIN pg_type t ON t.oid = o.opcintype
    JOIN pg_attribute a ON a.attrelid = x.parent AND a.attnum = k.attnum
    LEFT JOIN pg_collation co ON co.oid = k.coll
    LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
   -- The operator class's type; where that is anyenum, anyarray and the like, the column's own, below its domains.
   CROSS JOIN LATERAL (
         WITH RECURSIVE base AS (
           SELECT b.oid, b.typbasetype FROM pg_type b WHERE b.oid = CASE WHEN t.typtype = 'p' THEN a.atttypid ELSE t.oid END
           UNION ALL
           SELECT b.oid, b.typbasetype FROM base JOIN pg_type b ON b.oid = base.typbasetype
         )
         SELECT oid AS type FROM base WHERE typbasetype = 0) own
   CROSS JOIN LATERAL (
         SELECT CASE WHEN f.opfnamespace <> 'pg_catalog'::regnamespace THEN NULL
                     WHEN f.opfname IN ('integer_ops', 'numeric_ops') THEN 'number'
                     WHEN f.opfname = 'float_ops' THEN 'float'
                     WHEN f.opfname IN ('text_ops', 'text_pattern_ops') THEN 'text'
                     WHEN f.opfname IN ('bpchar_ops', 'bpchar_pattern_ops') THEN 'char' END AS builtin) family
   -- The type that both sides have in common, where it is not the same anyway. A char loses its trailing blanks as text.
   CROSS JOIN LATERAL (
         SELECT CASE family.builtin WHEN 'number' THEN 'numeric' WHEN 'float' THEN 'float8' WHEN 'text' THEN 'text'
                                    WHEN 'char' THEN CASE s.strategy WHEN 'l' THEN 'text' ELSE 'bpchar' END END AS common) c
), token AS (
  SELECT n.spec, n.strategy, n.side, n.oid, m.value, row_number() OVER (PARTITION BY n.side, n.oid ORDER BY m.n)::int AS n
    FROM node n
    JOIN spec s ON s.spec = n.spec
   CROSS JOIN LATERAL (
         SELECT t.m[1] AS value, t.n
           FROM regexp_matches(n.bound, $re$E?'(?:[^']|'')*'|[^,()\s]+$re$, 'g') WITH ORDINALITY t(m, n)
          WHERE t.n > 3 AND t.m[1] NOT IN ('TO', 'NULL')) m
   WHERE n.bound <> 'DEFAULT'
), keys AS (
  SELECT spec, max(n) AS keys FROM key GROUP BY spec
), literal AS (
  SELECT t.spec, t.strategy, t.oid, t.n, t.side,
         CASE t.strategy WHEN 'l' THEN 0 ELSE 1 + (t.n - 1) / s.keys END AS bound,
         CASE t.value WHEN 'MINVALUE' THEN format('-1, NULL::%s', y.type)
                      WHEN 'MAXVALUE' THEN format('1, NULL::%s', y.type)
                      ELSE format('0, %s::%s%s', t.value, k.type, '::pg_catalog.' || k.common) END AS text
    FROM token t
    JOIN keys s ON s.spec = t.spec
    JOIN key k ON k.spec = t.spec AND k.side = t.side AND k.n = (t.n - 1) % s.keys + 1
   CROSS JOIN LATERAL (SELECT coalesce('pg_catalog.' || k.common, k.type) AS type) y
), row_text AS (
  SELECT spec, side, oid, bound,
         CASE strategy
           WHEN 'l' THEN string_agg(format('(%s::pg_catalog.oid, %s, %s)', oid, bound, text), ', ' ORDER BY n)
           ELSE format('(%s::pg_catalog.oid, %s, %s)', oid, bound, string_agg(text, ', ' ORDER BY n)) END AS text
    FROM literal
   GROUP BY spec, strategy, side, oid, bound
), shape AS (
  SELECT k.spec, string_agg(format('e%1$s, v%1$s', k.n), ', ' ORDER BY k.n) AS names,
         string_agg(format('e%1$s, v%1$s%2$s USING %3$s', k.n, k.collation, k.less), ', ' ORDER BY k.n) AS sort
    FROM key k
   WHERE k.side = 'referenced'
   GROUP BY k.spec
)
SELECT 'SELECT DISTINCT node, n, rank, edge FROM (' || string_agg(format($sql$
SELECT node, n, pg_catalog.dense_rank() OVER (ORDER BY %s) AS rank, e1 AS edge
  FROM (VALUES
  %s) v(node, n, %s)$sql$, s.sort, r.rows, s.names), E'\nUNION ALL' ORDER BY s.spec) || ') ranks' AS sql
  FROM shape s
  JOIN (SELECT spec, string_agg(text, E',\n  ' ORDER BY oid, bound) AS rows FROM row_text GROUP BY spec) r ON r.spec = s.spec
:end
