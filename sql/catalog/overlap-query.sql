-- A query that finds, for referencing partitions without a partner of the same bound, the referenced partitions that can
-- hold their keys: `contained` tells that ONE holds them all (a month in its year). SQL NULL: nothing to look for.
--
-- Bounds are compared by PostgreSQL, not as text: each literal is cast to its key column's type and collation, so the
-- query has to be written before it can be run. Only leaves of the first level are compared this way; a partition of the
-- other table that has sub-partitions holds keys too, but is nobody's partner. A DEFAULT partition holds what no other
-- bound touches. Where the partition keys themselves route differently nothing is `comparable` (see pairs.sql).
-- MINVALUE and MAXVALUE become a number before each value (-1, 0, 1); two equal infinities end the comparison as equal.
:begin
WITH side AS (
  SELECT s.side, s.root, p.partstrat, p.partnatts::int AS keys
    FROM (VALUES ('a', :'referencing_oid'::oid), ('b', :'referenced_oid'::oid)) s(side, root)
    JOIN pg_partitioned_table p ON p.partrelid = s.root
), key AS (
  SELECT s.side, k.n::int,
         format_type(a.atttypid, a.atttypmod) AS type,
         CASE WHEN k.coll <> 0 THEN format(' COLLATE %I.%I', cn.nspname, co.collname) ELSE '' END AS collation
    FROM side s
    JOIN pg_partitioned_table p ON p.partrelid = s.root
   CROSS JOIN LATERAL unnest(p.partattrs::int2[], p.partcollation::oid[]) WITH ORDINALITY k(attnum, coll, n)
    JOIN pg_attribute a ON a.attrelid = s.root AND a.attnum = k.attnum AND k.attnum > 0
    LEFT JOIN pg_collation co ON co.oid = k.coll
    LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
), leaf AS (
  SELECT s.side, c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
    FROM side s
    JOIN pg_inherits i ON i.inhparent = s.root
    JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE s.side = 'b'
      OR c.oid IN (SELECT (u ->> 'oid')::oid FROM jsonb_array_elements(:'unpaired'::jsonb) u
                    WHERE u ->> 'side' = 'referencing' AND (u ->> 'comparable')::boolean)
), token AS (
  SELECT l.side, l.oid, m.value, row_number() OVER (PARTITION BY l.side, l.oid ORDER BY m.n)::int AS n
    FROM leaf l
   CROSS JOIN LATERAL (
         SELECT t.m[1] AS value, t.n
           FROM regexp_matches(l.bound, $re$E?'(?:[^']|'')*'|[^,()\s]+$re$, 'g') WITH ORDINALITY t(m, n)
          WHERE t.n > 3 AND NOT (t.m[1] = 'TO')) m
   WHERE l.bound <> 'DEFAULT'
), row_text AS (
  SELECT t.side, s.partstrat, t.oid,
         CASE s.partstrat
           WHEN 'r' THEN format('(%s::oid, %s)', t.oid, string_agg(
                  CASE t.value WHEN 'MINVALUE' THEN format('-1, NULL::%s', k.type)
                               WHEN 'MAXVALUE' THEN format('1, NULL::%s', k.type)
                               ELSE format('0, %s::%s%s', t.value, k.type, k.collation) END, ', ' ORDER BY t.n))
           WHEN 'l' THEN string_agg(format('(%s::oid, %s::%s%s)', t.oid, t.value, k.type, k.collation), ', ' ORDER BY t.n)
         END AS text
    FROM token t
    JOIN side s ON s.side = t.side
    JOIN key k ON k.side = t.side AND k.n = (t.n - 1) % s.keys + 1
   WHERE s.partstrat IN ('l', 'r')
   GROUP BY t.side, s.partstrat, t.oid
), rows AS (
  SELECT (SELECT string_agg(text, E',\n  ' ORDER BY oid) FROM row_text WHERE side = 'a') AS a,
         (SELECT string_agg(text, E',\n  ' ORDER BY oid) FROM row_text WHERE side = 'b') AS b,
         (SELECT oid FROM leaf WHERE side = 'b' AND bound = 'DEFAULT') AS b_default
), shape AS (
  SELECT s.partstrat, s.keys,
         string_agg(format('lf%1$s, lv%1$s', k.n), ', ' ORDER BY k.n) || ', ' ||
         string_agg(format('uf%1$s, uv%1$s', k.n), ', ' ORDER BY k.n)                AS names,
         string_agg(format('a.lf%1$s, a.lv%1$s', k.n), ', ' ORDER BY k.n)            AS a_lower,
         string_agg(format('a.uf%1$s, a.uv%1$s', k.n), ', ' ORDER BY k.n)            AS a_upper,
         string_agg(format('b.lf%1$s, b.lv%1$s', k.n), ', ' ORDER BY k.n)            AS b_lower,
         string_agg(format('b.uf%1$s, b.uv%1$s', k.n), ', ' ORDER BY k.n)            AS b_upper
    FROM side s JOIN key k ON k.side = s.side
   WHERE s.side = 'a'
   GROUP BY s.partstrat, s.keys
), overlap AS (
  SELECT r.*, CASE s.partstrat
    WHEN 'r' THEN format($sql$SELECT a.oid AS a_oid, b.oid AS b_oid,
       coalesce(ROW(%4$s) >= ROW(%6$s), true) AND coalesce(ROW(%5$s) <= ROW(%7$s), true) AS contained
  FROM (VALUES
  %1$s) a(oid, %3$s),
       (VALUES
  %2$s) b(oid, %3$s)
 WHERE coalesce(ROW(%4$s) < ROW(%7$s), false) AND coalesce(ROW(%6$s) < ROW(%5$s), false)$sql$,
           r.a, r.b, s.names, s.a_lower, s.a_upper, s.b_lower, s.b_upper)
    WHEN 'l' THEN format($sql$SELECT a.oid AS a_oid, b.oid AS b_oid,
       count(*) = (SELECT count(*) FROM (VALUES
  %1$s) c(oid, value) WHERE c.oid = a.oid) AS contained
  FROM (VALUES
  %1$s) a(oid, value)
  JOIN (VALUES
  %2$s) b(oid, value) ON a.value = b.value OR (a.value IS NULL AND b.value IS NULL)
 GROUP BY a.oid, b.oid$sql$, r.a, r.b) END AS text
    FROM rows r, shape s
   WHERE r.a IS NOT NULL AND r.b IS NOT NULL AND (SELECT count(DISTINCT partstrat) FROM side) = 1
), hash AS (
  SELECT l.side, l.oid, l.name, l.relkind, (m.v)[1]::int AS modulus, (m.v)[2]::int AS remainder
    FROM leaf l, LATERAL regexp_match(l.bound, 'modulus (\d+), remainder (\d+)') m(v)
   WHERE m.v IS NOT NULL
)
SELECT coalesce(
  (SELECT format($sql$WITH overlap AS (
%s)
SELECT o.a_oid AS referencing_oid, o.b_oid AS referenced_oid, format('%%I.%%I', n.nspname, c.relname) AS referenced_name,
       o.contained AND c.relkind <> 'p' AND count(*) OVER (PARTITION BY o.a_oid) = 1 AS contained
  FROM (SELECT a_oid, b_oid, contained FROM overlap%s) o
  JOIN pg_catalog.pg_class c ON c.oid = o.b_oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 ORDER BY 1, 2$sql$, o.text,
     CASE WHEN o.b_default IS NULL THEN '' ELSE format($sql$
UNION ALL
SELECT a.oid, %1$s::oid, true
  FROM unnest(%2$L::oid[]) a(oid)
 WHERE NOT EXISTS (SELECT 1 FROM overlap x WHERE x.a_oid = a.oid AND x.contained)$sql$,
       o.b_default, (SELECT array_agg(l.oid) FROM leaf l WHERE l.side = 'a' AND l.bound <> 'DEFAULT')) END)
     FROM overlap o),
  -- HASH needs no types: a larger modulus divides what a smaller one holds.
  (SELECT string_agg(format('SELECT %1$s::oid AS referencing_oid, %2$s::oid AS referenced_oid, %3$L::text AS referenced_name, %4$L::boolean AS contained',
                            a.oid, b.oid, b.name, a.modulus % b.modulus = 0 AND b.relkind <> 'p'), E'\nUNION ALL ' ORDER BY a.oid, b.oid)
     FROM hash a
     JOIN hash b ON b.side = 'b'
                AND (a.remainder - b.remainder) % gcd(a.modulus, b.modulus) = 0
    WHERE a.side = 'a')) AS sql
:end
