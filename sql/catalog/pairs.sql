-- The pairs that can be found directly: each referencing leaf partition with the referenced leaf partition of the same bounds.
--
-- One row, three JSON columns: `pairs` (largest first, so that concurrent work ends together), `unpaired`, and, where a
-- referencing leaf is unpaired, `tree`: the partitions that containment.sql compares to find out whether only ONE referenced leaf
-- can hold its keys after all. JSON, because all other files take the pairs as ONE parameter: psql passes it on with \gset,
-- node-postgres as $n.
--
-- Partitions are paired by their bounds, never by their names. Here bounds are compared after PostgreSQL has printed both in the
-- same session; the order of a LIST does not count, nor how a number is written (bigint is quoted, integer is not; numeric 1.0
-- and 1.00 are one value). DEFAULT pairs with DEFAULT here only if both trees are the same everywhere; any other DEFAULT is left
-- to containment.sql. At every level a bound also has to bound the same columns of the foreign key, whose values are routed in
-- the same way: that is `spec`, the strategy with position and routing of each key column. Two partitions are compared only if
-- their specs are equal.
--
-- pg_inherits is walked by hand, because pg_partition_tree() would lock every partition. Reads only, with a constant number of
-- scans.
--
-- Its time is proportional to the number of partitions, regardless of the planner's assumptions about CTEs, because it runs again
-- under the lock of the drop: each partition gets its key on the way down, from its parent's row, and the two sides meet in one
-- FULL JOIN, which PostgreSQL never executes as a nested loop.
-- not null: pairs, unpaired
-- types: pairs PairOfPartitions[], unpaired Unpaired[], tree TreeNode[]
:begin
WITH RECURSIVE fk AS (
  SELECT :'referencing_oid'::oid AS referencing, :'referenced_oid'::oid AS referenced,
         :'column_names'::jsonb AS column_names, :'referenced_column_names'::jsonb AS referenced_column_names
), fk_column AS (
  -- Whether the referenced column is of type char(n), which ignores trailing blanks: then it also decides what equals it.
  SELECT jsonb_agg(t.typoutput = 'pg_catalog.bpcharout'::regproc ORDER BY c.position) AS blank_padded
    FROM fk
   CROSS JOIN LATERAL jsonb_array_elements_text(fk.referenced_column_names) WITH ORDINALITY c(name, position)
    JOIN pg_attribute a ON a.attrelid = fk.referenced AND a.attname = c.name
    JOIN pg_type t ON t.oid = a.atttypid
), tree AS (
  SELECT s.side, s.columns, s.root AS oid, NULL::oid AS parent, 'p'::"char" AS relkind, NULL::name AS nspname, NULL::name AS relname,
         NULL::float4 AS reltuples, NULL::text COLLATE "C" AS bound, 0 AS level, NULL::text COLLATE "C" AS key,
         false AS is_default, NULL::text AS spec, NULL::text AS strategy, NULL::int[] AS positions
    FROM fk, LATERAL (VALUES ('referencing', fk.referencing, fk.column_names),
                             ('referenced', fk.referenced, fk.referenced_column_names)) s(side, root, columns)
  UNION ALL
  SELECT t.side, t.columns, c.oid, t.oid, c.relkind, n.nspname, c.relname, c.reltuples, b.bound, t.level + 1,
         concat_ws(' / ', t.key, coalesce(l.text, b.bound) || ' ' || t.typed),
         t.is_default OR b.bound = 'DEFAULT', t.text, t.strategy, t.positions
    FROM (SELECT t.side, t.columns, t.oid, t.level, t.key, t.is_default, r.*
            FROM tree t
           -- The columns by which the parent is partitioned, and what else decides where a row goes (see partitioning.sql). NULL in
           -- `positions` is a key column that the foreign key does not connect, or whose own collation finds values equal that the
           -- partition key tells apart.
           CROSS JOIN LATERAL (
                 SELECT min(p.partstrat::text) AS strategy, count(*)::int AS keys, array_agg(x.routing ORDER BY k.n) AS routings,
                        array_agg(f.position::int ORDER BY k.n) AS positions,
                        format('%s BY %s', min(p.partstrat::text), string_agg(x.position || ' ' || x.routing, ', ' ORDER BY k.n)) AS text,
                        -- 0.1 is another number as real than as double precision: there the texts of bounds say nothing.
                        min(p.partstrat::text) || string_agg(concat_ws(' ', x.position, x.routing, CASE WHEN p.partstrat <> 'h' AND builtin = 'float_ops' THEN o.opcintype END),
                                                            ', ' ORDER BY k.n) AS typed
                   FROM pg_partitioned_table p
                  CROSS JOIN LATERAL unnest(p.partattrs::int2[], p.partclass::oid[], p.partcollation::oid[])
                                     WITH ORDINALITY k(attnum, opclass, coll, n)
                  CROSS JOIN fk_column
                   JOIN pg_opclass o ON o.oid = k.opclass
                   JOIN pg_opfamily family ON family.oid = o.opcfamily
                   LEFT JOIN pg_collation co ON co.oid = k.coll
                   LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum > 0
                   LEFT JOIN pg_collation own ON own.oid = a.attcollation AND own.oid <> k.coll
                   LEFT JOIN jsonb_array_elements_text(t.columns) WITH ORDINALITY f(name, position)
                          ON f.name = a.attname AND own.collisdeterministic IS NOT FALSE
                  CROSS JOIN LATERAL (SELECT CASE WHEN family.opfnamespace = 'pg_catalog'::regnamespace THEN family.opfname END AS builtin) own_family
                  CROSS JOIN LATERAL (
                        SELECT coalesce(f.position::text, t.side || ' attribute ' || k.attnum) AS position,
                               concat_ws(' ',
                                 CASE WHEN p.partstrat <> 'h' AND builtin IN ('integer_ops', 'numeric_ops') THEN 'number'
                                      WHEN p.partstrat = 'l' AND builtin IN ('text_ops', 'text_pattern_ops') THEN 'string'
                                      WHEN p.partstrat = 'l' AND builtin IN ('bpchar_ops', 'bpchar_pattern_ops')
                                        THEN CASE WHEN (fk_column.blank_padded -> (f.position::int - 1))::boolean THEN 'char' ELSE 'string' END
                                      ELSE family.oid::text END,
                                 CASE WHEN p.partstrat = 'h' AND builtin = 'datetime_ops' THEN o.opcintype::text
                                      WHEN p.partstrat <> 'h' AND coalesce(builtin NOT IN ('integer_ops', 'numeric_ops', 'float_ops', 'text_ops', 'text_pattern_ops', 'bpchar_ops', 'bpchar_pattern_ops'), true)
                                        THEN o.opcintype::text END,
                                 CASE WHEN p.partstrat = 'r' OR NOT co.collisdeterministic THEN co.oid::text END) AS routing) x
                  WHERE p.partrelid = t.oid) r
           WHERE t.relkind = 'p'
          -- Once for each table that is partitioned, and not for each of its partitions.
          OFFSET 0) t
    JOIN pg_inherits i ON i.inhparent = t.oid
    JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   -- A bound has no columns, so its table need not be named: with the name PostgreSQL would lock and open each partition (17+).
   CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, 0) AS bound) b
   -- The literals of the bound, as far as they are compared; a number without the zeros that do not count.
   CROSS JOIN LATERAL (
         SELECT CASE t.strategy WHEN 'l' THEN 'IN ' || string_agg(y.text, ', ' ORDER BY y.text COLLATE "C")
                                WHEN 'r' THEN 'FROM ' || string_agg(y.text, ', ' ORDER BY y.n) END AS text
           FROM (SELECT m.token[1] AS text, row_number() OVER (ORDER BY m.n)::int AS n
                   FROM regexp_matches(b.bound, $re$E?'(?:[^']|'')*'|[^,()\s]+$re$, 'g') WITH ORDINALITY m(token, n)
                  WHERE m.n > 3 AND m.token[1] <> 'TO') z
          CROSS JOIN LATERAL (
                SELECT z.n,
                       CASE WHEN t.routings[(z.n - 1) % t.keys + 1] = 'number' AND z.text ~ $re$^'?-?[0-9.]+'?$$re$
                            THEN trim_scale(btrim(z.text, '''')::numeric)::text
                            ELSE regexp_replace(z.text, $re$^'(-?[0-9.]+)'$$re$, E'\\1') END AS text) y
          WHERE t.strategy <> 'h') l
), node AS (
  SELECT t.*, -- The statistics of a table are what a role with MAINTAIN on it says (18: pg_restore_relation_stats). No table has that many rows; NaN
         -- sorts above all numbers.
         least(greatest(CASE WHEN t.reltuples >= 0 THEN t.reltuples::float8 ELSE pg_stat_get_live_tuples(t.oid) END, 0), 1e13)::bigint AS rows,
         -- A partition that is partitioned again is no leaf's partner.
         t.relkind = 'p' AS is_inner
    FROM tree t
   WHERE t.level > 0
), met AS (
  SELECT a.oid AS referencing_oid, a.parent AS a_parent, a.nspname AS a_schema, a.relname AS a_name, a.relkind AS a_kind,
         a.bound AS a_bound, a.rows AS a_rows, a.spec AS a_spec, a.strategy AS a_strategy, a.positions AS a_positions,
         a.is_default, coalesce(a.is_inner, b.is_inner) AS is_inner,
         b.oid AS referenced_oid, b.parent AS b_parent, b.nspname AS b_schema, b.relname AS b_name, b.relkind AS b_kind,
         b.bound AS b_bound, b.rows AS b_rows, b.spec AS b_spec, b.strategy AS b_strategy, b.positions AS b_positions
    FROM (SELECT * FROM node WHERE side = 'referencing') a
    FULL JOIN (SELECT * FROM node WHERE side = 'referenced') b ON b.key = a.key AND b.is_inner = a.is_inner
), judged AS (
  SELECT m.*,
         m.referencing_oid IS NOT NULL AND m.referenced_oid IS NOT NULL
           AND (NOT m.is_default
                OR NOT EXISTS (SELECT 1 FROM met o WHERE o.referencing_oid IS NULL OR o.referenced_oid IS NULL)) AS paired
    FROM met m
), single AS (
  SELECT l.*, j.is_inner, NOT j.paired AND NOT j.is_inner AS is_lone
    FROM judged j
   CROSS JOIN LATERAL (VALUES
         ('referencing', j.referencing_oid, j.a_parent, j.a_schema, j.a_name, j.a_kind, j.a_bound, j.a_rows, j.a_spec, j.a_strategy, j.a_positions),
         ('referenced', j.referenced_oid, j.b_parent, j.b_schema, j.b_name, j.b_kind, j.b_bound, j.b_rows, j.b_spec, j.b_strategy, j.b_positions))
         l(side, oid, parent, nspname, relname, kind, bound, rows, spec, strategy, positions)
   WHERE l.oid IS NOT NULL
)
SELECT coalesce((
         SELECT jsonb_agg(jsonb_build_object(
                  'pair', o.pair,
                  'referencing_oid', o.referencing_oid::bigint,
                  'referencing', format('%I.%I', o.a_schema, o.a_name),
                  'referencing_kind', o.a_kind,
                  'referenced_oid', o.referenced_oid::bigint,
                  'referenced', format('%I.%I', o.b_schema, o.b_name),
                  'referenced_kind', o.b_kind,
                  'bound', o.a_bound,
                  'rows', o.a_rows,
                  'bytes', o.bytes)
                ORDER BY o.pair)
           FROM (SELECT j.*, s.bytes, row_number() OVER (ORDER BY s.bytes DESC, j.referencing_oid) AS pair
                   FROM judged j, LATERAL pg_relation_size(j.referencing_oid) s(bytes)
                  WHERE j.paired AND NOT j.is_inner) o), '[]') AS pairs,
       coalesce((
         SELECT jsonb_agg(jsonb_build_object(
                  'side', l.side,
                  'oid', l.oid::bigint,
                  'partition', format('%I.%I', l.nspname, l.relname),
                  'kind', l.kind,
                  'bound', l.bound,
                  'rows', l.rows)
                ORDER BY l.side DESC, l.nspname, l.relname)
           FROM single l WHERE l.is_lone), '[]') AS unpaired,
       -- All of the referenced side; of the referencing side the unpaired leaves, what may be above them, and what a DEFAULT
       -- among these leaves to others.
       (SELECT jsonb_agg(jsonb_build_object(
                 'side', n.side,
                 'oid', n.oid::bigint,
                 'parent', n.parent::bigint,
                 'leaf', NOT n.is_inner,
                 'name', format('%I.%I', n.nspname, n.relname),
                 'spec', n.spec,
                 'strategy', n.strategy,
                 'positions', n.positions,
                 'bound', n.bound))
          FROM (SELECT l.*, bool_or(l.bound = 'DEFAULT' AND (l.is_lone OR l.is_inner)) OVER (PARTITION BY l.side, l.parent) AS beside_default
                  FROM single l) n
         WHERE (n.side = 'referenced' OR n.is_lone OR n.is_inner OR n.beside_default)
           AND EXISTS (SELECT FROM single l WHERE l.is_lone AND l.side = 'referencing')) AS tree
:end
