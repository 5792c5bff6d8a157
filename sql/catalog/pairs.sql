-- The pairs: each referencing leaf partition with the referenced leaf partition that holds its keys.
--
-- One row, two JSON arrays: `pairs` (largest first, so that side-by-side work ends together) and `unpaired`. JSON,
-- because all other files take the pairs as ONE parameter: psql hands it on with \gset, node-postgres as $n.
--
-- Pairing goes by partition bound, never by name. Bounds are compared after PostgreSQL has printed both in the same
-- session; the order of a LIST does not count, nor how a number is written (bigint is quoted, integer is not; numeric 1.0
-- and 1.00 are one value).
-- DEFAULT pairs with DEFAULT only where every other bound has its partner: else the two hold different keys.
-- Below the root a bound also has to bound the same columns of the foreign key, whose values go the same ways (the root's
-- own keys are a finding; where they differ, no partition is `comparable` with one of the other side).
--
-- pg_inherits is walked by hand: pg_partition_tree() would lock every partition. Reads only, a constant number of scans.
:begin
WITH RECURSIVE fk AS (
  SELECT :'referencing_oid'::oid AS referencing, :'referenced_oid'::oid AS referenced,
         :'column_names'::jsonb AS column_names, :'referenced_column_names'::jsonb AS referenced_column_names
), tree AS (
  SELECT s.side, s.root AS oid, NULL::oid AS parent, ARRAY[]::oid[] AS path
    FROM fk, LATERAL (VALUES ('referencing', fk.referencing), ('referenced', fk.referenced)) s(side, root)
  UNION ALL
  SELECT t.side, i.inhrelid, t.oid, t.path || i.inhrelid
    FROM tree t
    JOIN pg_inherits i ON i.inhparent = t.oid
), key AS (
  -- The columns by which each table is partitioned, and what else decides where a row goes (see partitioning.sql).
  SELECT t.side, t.oid, p.partstrat, p.partnatts::int AS keys, k.n::int,
         coalesce(f.position::text, t.side || ' attribute ' || k.attnum) AS position,
         concat_ws(' ',
           CASE WHEN p.partstrat <> 'h' AND family.opfname IN ('integer_ops', 'numeric_ops') THEN 'number'
                WHEN p.partstrat = 'l' AND family.opfname IN ('text_ops', 'text_pattern_ops', 'bpchar_ops', 'bpchar_pattern_ops') THEN 'string'
                ELSE family.oid::text END,
           CASE WHEN family.opfname = 'datetime_ops' THEN o.opcintype::text END,
           CASE WHEN p.partstrat = 'r' OR NOT co.collisdeterministic THEN co.oid::text END) AS routing
    FROM fk
   CROSS JOIN tree t
    JOIN pg_partitioned_table p ON p.partrelid = t.oid
   CROSS JOIN LATERAL unnest(p.partattrs::int2[], p.partclass::oid[], p.partcollation::oid[]) WITH ORDINALITY k(attnum, opclass, coll, n)
    JOIN pg_opclass o ON o.oid = k.opclass
    JOIN pg_opfamily family ON family.oid = o.opcfamily
    LEFT JOIN pg_collation co ON co.oid = k.coll
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum AND k.attnum > 0
    LEFT JOIN jsonb_array_elements_text(CASE t.side WHEN 'referencing' THEN fk.column_names
                                                    ELSE fk.referenced_column_names END)
              WITH ORDINALITY f(name, position) ON f.name = a.attname
), routing AS (
  SELECT k.side, k.oid, k.partstrat::text AS strategy,
         format('%s BY %s', k.partstrat, string_agg(k.position || ' ' || k.routing, ', ' ORDER BY k.n)) AS text
    FROM key k
   GROUP BY k.side, k.oid, k.partstrat
), node AS (
  SELECT t.side, t.oid, t.parent, t.path, c.relkind, c.relname, c.relnamespace, n.nspname,
         pg_get_expr(c.relpartbound, c.oid) AS bound, c.reltuples
    FROM tree t
    JOIN pg_class c ON c.oid = t.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
), literal AS (
  -- Each literal of a bound with its place; a number without the zeros that do not count.
  SELECT n.side, n.oid, l.n,
         CASE WHEN k.routing = 'number' AND l.text ~ $re$^'?-?[0-9.]+'?$$re$ THEN trim_scale(btrim(l.text, '''')::numeric)::text
              ELSE regexp_replace(l.text, $re$^'(-?[0-9.]+)'$$re$, '\1') END AS text
    FROM node n
   CROSS JOIN LATERAL (
         SELECT m.token[1] AS text, row_number() OVER (ORDER BY m.n)::int AS n
           FROM regexp_matches(n.bound, $re$E?'(?:[^']|'')*'|[^,()\s]+$re$, 'g') WITH ORDINALITY m(token, n)
          WHERE m.n > 3 AND m.token[1] <> 'TO') l
    JOIN key k ON k.side = n.side AND k.oid = n.parent AND k.n = (l.n - 1) % k.keys + 1
   WHERE k.partstrat <> 'h'
), literals AS (
  SELECT l.side, l.oid,
         string_agg(l.text, ', ' ORDER BY l.text COLLATE "C") AS list,
         string_agg(l.text, ', ' ORDER BY l.n)                AS range
    FROM literal l
   GROUP BY l.side, l.oid
), bound AS (
  SELECT n.side, n.oid, n.bound = 'DEFAULT' AS is_default,
         coalesce(CASE r.strategy WHEN 'l' THEN 'IN ' || l.list WHEN 'r' THEN 'FROM ' || l.range END, n.bound)
           || CASE WHEN n.path = ARRAY[n.oid] THEN '' ELSE ' ' || r.text END AS key
    FROM node n
    JOIN routing r ON r.side = n.side AND r.oid = n.parent
    LEFT JOIN literals l ON l.side = n.side AND l.oid = n.oid
), leaf AS (
  SELECT n.*,
         (SELECT string_agg(b.key, ' / ' ORDER BY p.level)
            FROM unnest(n.path) WITH ORDINALITY p(oid, level)
            JOIN bound b ON b.oid = p.oid AND b.side = n.side) AS key,
         EXISTS (SELECT 1 FROM bound b WHERE b.oid = ANY (n.path) AND b.side = n.side AND b.is_default) AS is_default,
         CASE WHEN n.reltuples >= 0 THEN n.reltuples::bigint ELSE pg_stat_get_live_tuples(n.oid) END AS rows
    FROM node n
   WHERE n.relkind <> 'p' AND n.path <> '{}'
), matched AS (
  SELECT a.oid AS referencing, b.oid AS referenced
    FROM leaf a
    JOIN leaf b ON b.key = a.key AND b.side = 'referenced'
   WHERE a.side = 'referencing'
     AND (NOT a.is_default
          OR NOT EXISTS (SELECT 1 FROM leaf o
                          WHERE NOT EXISTS (SELECT 1 FROM leaf p WHERE p.key = o.key AND p.side <> o.side)))
)
SELECT coalesce((
         SELECT jsonb_agg(jsonb_build_object(
                  'pair', o.pair,
                  'referencing_oid', a.oid::bigint,
                  'referencing', format('%I.%I', a.nspname, a.relname),
                  'referencing_kind', a.relkind,
                  'referenced_oid', b.oid::bigint,
                  'referenced', format('%I.%I', b.nspname, b.relname),
                  'referenced_kind', b.relkind,
                  'bound', a.bound,
                  'rows', a.rows,
                  'bytes', o.bytes)
                ORDER BY o.pair)
           FROM (SELECT m.referencing, m.referenced, s.bytes,
                        row_number() OVER (ORDER BY s.bytes DESC, m.referencing) AS pair
                   FROM matched m, LATERAL pg_relation_size(m.referencing) s(bytes)) o
           JOIN leaf a ON a.oid = o.referencing AND a.side = 'referencing'
           JOIN leaf b ON b.oid = o.referenced AND b.side = 'referenced'), '[]') AS pairs,
       coalesce((
         SELECT jsonb_agg(jsonb_build_object(
                  'side', l.side,
                  'oid', l.oid::bigint,
                  'partition', format('%I.%I', l.nspname, l.relname),
                  'kind', l.relkind,
                  'bound', l.bound,
                  'rows', l.rows,
                  'comparable', (SELECT count(DISTINCT r.text) = 1
                                   FROM fk, routing r WHERE r.oid IN (fk.referencing, fk.referenced)))
                ORDER BY l.side DESC, l.nspname, l.relname)
           FROM leaf l
          WHERE NOT EXISTS (SELECT 1 FROM matched m
                             WHERE CASE l.side WHEN 'referencing' THEN m.referencing ELSE m.referenced END = l.oid)),
         '[]') AS unpaired
:end
