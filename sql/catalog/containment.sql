-- Finds the ONE referenced leaf that holds the complete keys of a referencing leaf that pairs.sql has left unpaired, for any two
-- partition trees: `pairs` and `unpaired` as in pairs.sql, with what was found. Needs its :'tree', and :'ranks' of the bounds.
--
-- A partition holds the conjunction of the bounds on its way down from the root. Bounds of one spec (strategy, columns of the
-- foreign key, what routes their values) are divided into cells, which no bound divides: each value of a LIST and cell 0 for all
-- other values; the intervals between neighbouring RANGE bounds; the remainders by the least common multiple of all moduli. A
-- DEFAULT holds the cells that no partition beside it holds. NULL is in no cell: such a key references nothing. The keys of a
-- leaf are then the cells that all its bounds of a spec hold, or `any` where no bound is of that spec.
--
-- From the referenced root down, each partition that shares a cell with a leaf may hold keys of it (`reached`); it holds them all
-- if it has all of the leaf's cells. A leaf that reaches only one referenced leaf is its pair: a key of it that is elsewhere
-- (`keys_outside`) is in no referenced partition, so either foreign key refuses it. Where bounds cannot be compared, every
-- partition may hold the keys and none is known to hold all: what is not known is never a pair.
--
-- A leaf without any cell can hold no complete key. MATCH SIMPLE accepts each row of it, so it needs no pair. MATCH FULL refuses
-- a key that is NULL in part, so there it needs none only if all of its key columns are NULL.
--
-- Run it with enable_nestloop = off and jit = off, because the planner knows no sizes here. Reads only.
-- not null: pairs, unpaired
-- types: pairs PairOfPartitions[], unpaired Unpaired[]
:begin
WITH RECURSIVE node AS (
  SELECT n.*, n.bound = 'DEFAULT' AS is_default, m.v[1]::bigint AS modulus, m.v[2]::int AS remainder
    FROM jsonb_to_recordset(:'tree'::jsonb)
         AS n(side text, oid oid, parent oid, leaf boolean, name text, spec text, strategy text, positions jsonb, bound text)
   CROSS JOIN LATERAL (SELECT regexp_match(n.bound, $re$^FOR VALUES WITH \(modulus (\d+), remainder (\d+)\)$$re$) AS v) m
), rank AS (
  SELECT * FROM jsonb_to_recordset(:'ranks'::jsonb) AS r(node oid, n int, rank int, edge int)
), modulus AS (
  SELECT spec, modulus, row_number() OVER (PARTITION BY spec ORDER BY modulus) AS n
    FROM (SELECT DISTINCT spec, modulus FROM node WHERE strategy = 'h') m
), multiple AS (
  SELECT spec, n, modulus AS cells FROM modulus WHERE n = 1
  UNION ALL
  -- Beyond this many cells remainders are not compared.
  SELECT m.spec, m.n, CASE WHEN c.cells > 10000 THEN c.cells ELSE lcm(c.cells, m.modulus) END
    FROM multiple c JOIN modulus m ON m.spec = c.spec AND m.n = c.n + 1
), compared AS (
  SELECT n.spec, n.strategy, max(m.cells) AS cells
    FROM (SELECT DISTINCT spec, strategy, side FROM node) n
    LEFT JOIN multiple m ON m.spec = n.spec
   GROUP BY n.spec, n.strategy
  HAVING bool_or(n.side = 'referenced') AND coalesce(max(m.cells), 0) <= 10000
), ranked AS (
  SELECT DISTINCT c.spec, c.strategy, r.rank, r.edge
    FROM rank r JOIN node n ON n.oid = r.node JOIN compared c ON c.spec = n.spec
), universe AS (
  SELECT spec, rank AS cell FROM ranked WHERE strategy = 'l' OR edge < 1
  UNION ALL
  SELECT c.spec, 0
    FROM compared c
   WHERE c.strategy = 'l' OR c.strategy = 'r' AND NOT EXISTS (SELECT FROM ranked r WHERE r.spec = c.spec AND r.edge = -1)
  UNION ALL
  SELECT c.spec, g.cell FROM compared c, generate_series(0, c.cells::int - 1) g(cell) WHERE c.strategy = 'h'
), listed AS (
  SELECT n.side, n.oid AS node, n.parent, n.spec, r.rank AS cell
    FROM node n JOIN compared c ON c.spec = n.spec AND c.strategy = 'l' JOIN rank r ON r.node = n.oid
  UNION ALL
  SELECT n.side, n.oid, n.parent, n.spec, g.cell
    FROM node n
    JOIN compared c ON c.spec = n.spec AND c.strategy = 'r'
    JOIN rank lower ON lower.node = n.oid AND lower.n = 1
    JOIN rank upper ON upper.node = n.oid AND upper.n = 2
   CROSS JOIN LATERAL generate_series(lower.rank, upper.rank - 1) g(cell)
  UNION ALL
  SELECT n.side, n.oid, n.parent, n.spec, g.cell
    FROM node n
    JOIN compared c ON c.spec = n.spec AND c.strategy = 'h'
   CROSS JOIN LATERAL generate_series(n.remainder, c.cells::int - 1, n.modulus::int) g(cell)
), held AS (
  SELECT * FROM listed
  UNION ALL
  SELECT d.side, d.oid, d.parent, d.spec, u.cell
    FROM node d
    JOIN universe u ON u.spec = d.spec
    LEFT JOIN listed l ON l.side = d.side AND l.parent = d.parent AND l.cell = u.cell
   WHERE d.is_default AND l.node IS NULL
), size AS (
  SELECT h.side, h.node, count(*) AS cells FROM held h GROUP BY h.side, h.node
), whole AS (
  -- Partitions beside which there is nothing: they hold `any`.
  SELECT n.oid AS node
    FROM node n
    JOIN size s ON s.side = n.side AND s.node = n.oid
    JOIN (SELECT spec, count(*) AS cells FROM universe GROUP BY spec) u ON u.spec = n.spec AND u.cells = s.cells
   WHERE n.side = 'referenced'
), leaf AS (
  SELECT (u ->> 'oid')::oid AS oid FROM jsonb_array_elements(:'unpaired'::jsonb) u WHERE u ->> 'side' = 'referencing'
), above AS (
  SELECT l.oid AS leaf, l.oid AS node FROM leaf l
  UNION ALL
  SELECT a.leaf, n.parent FROM above a JOIN node n ON n.oid = a.node AND n.side = 'referencing'
), bounded AS (
  SELECT a.leaf, n.spec, count(*) AS bounds
    FROM above a JOIN node n ON n.oid = a.node AND n.side = 'referencing' JOIN compared c ON c.spec = n.spec
   GROUP BY a.leaf, n.spec
), own AS (
  SELECT o.leaf, o.spec, o.cell
    FROM (SELECT a.leaf, h.spec, h.cell, count(*) AS bounds
            FROM above a JOIN held h ON h.node = a.node AND h.side = 'referencing'
           GROUP BY a.leaf, h.spec, h.cell) o
    JOIN bounded b ON b.leaf = o.leaf AND b.spec = o.spec AND b.bounds = o.bounds
), own_size AS (
  SELECT leaf, spec, count(*) AS cells FROM own GROUP BY leaf, spec
), only_null AS (
  SELECT a.leaf, count(DISTINCT n.positions -> 0) AS columns
    FROM above a
    JOIN node n ON n.oid = a.node AND n.side = 'referencing' AND n.strategy = 'l' AND n.bound = 'FOR VALUES IN (NULL)'
   WHERE n.positions -> 0 <> 'null'
   GROUP BY a.leaf
), keyless AS (
  SELECT l.oid AS leaf,
         :'actions'::text !~ '^ *MATCH FULL' OR coalesce(o.columns, 0) = jsonb_array_length(:'column_names'::jsonb) AS exempt
    FROM leaf l
    LEFT JOIN only_null o ON o.leaf = l.oid
    LEFT JOIN (SELECT b.leaf
                 FROM bounded b LEFT JOIN own_size o ON o.leaf = b.leaf AND o.spec = b.spec
                WHERE o.cells IS NULL
                GROUP BY b.leaf) e ON e.leaf = l.oid
   WHERE o.leaf IS NOT NULL OR e.leaf IS NOT NULL
), sought AS (
  -- What to look for on the referenced side; cell -1 is `any`.
  SELECT leaf, spec, cell FROM own
  UNION ALL
  SELECT l.oid, s.spec, -1
    FROM leaf l
   CROSS JOIN (SELECT DISTINCT spec FROM node WHERE side = 'referenced') s
    LEFT JOIN bounded b ON b.leaf = l.oid AND b.spec = s.spec
   WHERE b.leaf IS NULL
), offered AS (
  SELECT parent, node, spec, cell FROM held WHERE side = 'referenced'
  UNION ALL
  SELECT parent, oid, spec, -1 FROM node WHERE side = 'referenced'
), reached AS (
  SELECT l.oid AS leaf, :'referenced_oid'::oid AS node
    FROM leaf l LEFT JOIN keyless k ON k.leaf = l.oid
   WHERE k.leaf IS NULL
  UNION
  SELECT r.leaf, o.node
    FROM reached r
    JOIN sought s ON s.leaf = r.leaf
    JOIN offered o ON o.parent = r.node AND o.spec = s.spec AND o.cell = s.cell
), matched AS (
  SELECT r.leaf, r.node, o.parent, o.spec, min(o.cell) = -1 AS any_key, count(*) AS cells
    FROM reached r
    JOIN sought s ON s.leaf = r.leaf
    JOIN offered o ON o.node = r.node AND o.spec = s.spec AND o.cell = s.cell
   GROUP BY r.leaf, r.node, o.parent, o.spec
), holding AS (
  SELECT m.leaf, m.node, m.parent, NOT m.any_key OR w.node IS NOT NULL AS known,
         CASE WHEN m.any_key THEN w.node IS NOT NULL ELSE m.cells = z.cells END AS all_keys
    FROM matched m
    LEFT JOIN whole w ON w.node = m.node
    LEFT JOIN own_size z ON z.leaf = m.leaf AND z.spec = m.spec
), inside AS (
  SELECT l.oid AS leaf, :'referenced_oid'::oid AS node FROM leaf l
  UNION ALL
  SELECT i.leaf, h.node FROM inside i JOIN holding h ON h.leaf = i.leaf AND h.parent = i.node AND h.all_keys
), partner AS (
  SELECT i.leaf, i.node, false AS keys_outside FROM inside i JOIN node n ON n.oid = i.node AND n.side = 'referenced' AND n.leaf
  UNION ALL
  SELECT r.leaf, min(r.node::bigint)::oid, true
    FROM reached r
    JOIN node n ON n.oid = r.node AND n.side = 'referenced' AND n.leaf
    JOIN (SELECT leaf FROM holding GROUP BY leaf HAVING bool_and(known)) v ON v.leaf = r.leaf
   GROUP BY r.leaf
  HAVING count(*) = 1 AND r.leaf NOT IN (SELECT i.leaf FROM inside i JOIN node n ON n.oid = i.node AND n.side = 'referenced' AND n.leaf)
), holder AS (
  SELECT h.leaf, count(*) AS holders, bool_and(v.known) AS known, jsonb_agg(h.name ORDER BY h.name) FILTER (WHERE h.n <= 20) AS names,
         string_agg(h.name, ', ' ORDER BY h.name) FILTER (WHERE h.n <= 5)
           || CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) ELSE '' END AS list
    FROM (SELECT r.leaf, n.name, row_number() OVER (PARTITION BY r.leaf ORDER BY n.name) AS n
            FROM reached r JOIN node n ON n.oid = r.node AND n.side = 'referenced' AND n.leaf) h
    JOIN (SELECT leaf, bool_and(known) AS known FROM holding GROUP BY leaf) v ON v.leaf = h.leaf
   GROUP BY h.leaf
), pair AS (
  SELECT p AS pair, (p ->> 'bytes')::float8 AS bytes, (p ->> 'referencing_oid')::bigint AS referencing_oid
    FROM jsonb_array_elements(:'pairs'::jsonb) p
  UNION ALL
  SELECT jsonb_build_object(
           'referencing_oid', a.oid::bigint,
           'referencing', format('%I.%I', an.nspname, a.relname),
           'referencing_kind', a.relkind,
           'referenced_oid', b.oid::bigint,
           'referenced', format('%I.%I', bn.nspname, b.relname),
           'referenced_kind', b.relkind,
           'bound', pg_get_expr(a.relpartbound, a.oid),
           'rows', least(greatest(CASE WHEN a.reltuples >= 0 THEN a.reltuples::float8 ELSE pg_stat_get_live_tuples(a.oid) END, 0), 1e13)::bigint,
           'bytes', s.bytes,
           'keys_outside', p.keys_outside), s.bytes, a.oid::bigint
    FROM partner p
    JOIN pg_class a ON a.oid = p.leaf JOIN pg_namespace an ON an.oid = a.relnamespace
    JOIN pg_class b ON b.oid = p.node JOIN pg_namespace bn ON bn.oid = b.relnamespace
   CROSS JOIN LATERAL pg_relation_size(a.oid) s(bytes)
), numbered AS (
  SELECT pair, row_number() OVER (ORDER BY bytes DESC, referencing_oid) AS number FROM pair
)
SELECT coalesce((SELECT jsonb_agg(pair || jsonb_build_object('pair', number) ORDER BY number) FROM numbered), '[]') AS pairs,
       coalesce((
         SELECT jsonb_agg(CASE u.e ->> 'side' WHEN 'referenced' THEN u.e ELSE u.e || jsonb_build_object(
                            'heldBy', coalesce(h.names, '[]'),
                            'why', CASE
                              WHEN k.leaf IS NOT NULL THEN 'it can hold no complete key'
                              WHEN coalesce(h.holders, 0) = 0 THEN 'no referenced partition can hold its keys'
                              WHEN h.known AND h.holders = 1
                                THEN format('only some of its keys lie in a referenced partition, %s, and the others in none', h.list)
                              WHEN h.known THEN format('its keys lie in %s referenced partitions: %s', h.holders, h.list)
                              WHEN h.holders = 1 THEN format('its bounds are not compared with those of %s, as they differ in strategy, columns, types or moduli: perhaps not all of its keys lie there', h.list)
                              ELSE format('its bounds are not compared with those of %s referenced partitions, as they differ in strategy, columns, types or moduli: its keys may lie in any of them, %s', h.holders, h.list) END,
                            'keyless', k.leaf IS NOT NULL,
                            'needsPair', NOT coalesce(k.exempt, false)) END ORDER BY u.n)
           FROM jsonb_array_elements(:'unpaired'::jsonb) WITH ORDINALITY u(e, n)
           LEFT JOIN (SELECT leaf AS oid, 'referencing' AS side FROM partner
                      UNION
                      SELECT node, 'referenced' FROM partner) p ON p.oid = (u.e ->> 'oid')::oid AND p.side = u.e ->> 'side'
           LEFT JOIN holder h ON h.leaf = (u.e ->> 'oid')::oid AND u.e ->> 'side' = 'referencing'
           LEFT JOIN keyless k ON k.leaf = (u.e ->> 'oid')::oid AND u.e ->> 'side' = 'referencing'
          WHERE p.oid IS NULL), '[]') AS unpaired
:end
