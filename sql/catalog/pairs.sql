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
--
-- Its time grows with the number of partitions and no faster, whatever the planner believes about CTEs, since it runs once
-- more under the lock of the drop: each partition gets its key on the way down, from its parent's row, and the two sides
-- meet in one FULL JOIN, which PostgreSQL never does as a nested loop.
:begin
WITH RECURSIVE fk AS (
  SELECT :'referencing_oid'::oid AS referencing, :'referenced_oid'::oid AS referenced,
         :'column_names'::jsonb AS column_names, :'referenced_column_names'::jsonb AS referenced_column_names
), tree AS (
  SELECT s.side, s.columns, s.root AS oid, 'p'::"char" AS relkind, NULL::name AS nspname, NULL::name AS relname,
         NULL::float4 AS reltuples, NULL::text COLLATE "C" AS bound, 0 AS level, NULL::text COLLATE "C" AS key,
         false AS is_default, NULL::text AS root_routing
    FROM fk, LATERAL (VALUES ('referencing', fk.referencing, fk.column_names),
                             ('referenced', fk.referenced, fk.referenced_column_names)) s(side, root, columns)
  UNION ALL
  SELECT t.side, t.columns, c.oid, c.relkind, n.nspname, c.relname, c.reltuples, b.bound, t.level + 1,
         concat_ws(' / ', t.key, coalesce(l.text, b.bound) || CASE t.level WHEN 0 THEN '' ELSE ' ' || r.text END),
         t.is_default OR b.bound = 'DEFAULT',
         coalesce(t.root_routing, r.text)
    FROM tree t
   -- The columns by which the parent is partitioned, and what else decides where a row goes (see partitioning.sql).
   CROSS JOIN LATERAL (
         SELECT min(p.partstrat::text) AS strategy, count(*)::int AS keys, array_agg(x.routing ORDER BY k.n) AS routings,
                format('%s BY %s', min(p.partstrat::text), string_agg(x.position || ' ' || x.routing, ', ' ORDER BY k.n)) AS text
           FROM pg_partitioned_table p
          CROSS JOIN LATERAL unnest(p.partattrs::int2[], p.partclass::oid[], p.partcollation::oid[])
                             WITH ORDINALITY k(attnum, opclass, coll, n)
           JOIN pg_opclass o ON o.oid = k.opclass
           JOIN pg_opfamily family ON family.oid = o.opcfamily
           LEFT JOIN pg_collation co ON co.oid = k.coll
           LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum > 0
           LEFT JOIN jsonb_array_elements_text(t.columns) WITH ORDINALITY f(name, position) ON f.name = a.attname
          CROSS JOIN LATERAL (
                SELECT coalesce(f.position::text, t.side || ' attribute ' || k.attnum) AS position,
                       concat_ws(' ',
                         CASE WHEN p.partstrat <> 'h' AND family.opfname IN ('integer_ops', 'numeric_ops') THEN 'number'
                              WHEN p.partstrat = 'l' AND family.opfname IN ('text_ops', 'text_pattern_ops', 'bpchar_ops', 'bpchar_pattern_ops') THEN 'string'
                              ELSE family.oid::text END,
                         CASE WHEN family.opfname = 'datetime_ops' THEN o.opcintype::text END,
                         CASE WHEN p.partstrat = 'r' OR NOT co.collisdeterministic THEN co.oid::text END) AS routing) x
          WHERE p.partrelid = t.oid) r
    JOIN pg_inherits i ON i.inhparent = t.oid
    JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
   -- The literals of the bound, as far as they are compared; a number without the zeros that do not count.
   CROSS JOIN LATERAL (
         SELECT CASE r.strategy WHEN 'l' THEN 'IN ' || string_agg(y.text, ', ' ORDER BY y.text COLLATE "C")
                                WHEN 'r' THEN 'FROM ' || string_agg(y.text, ', ' ORDER BY y.n) END AS text
           FROM (SELECT m.token[1] AS text, row_number() OVER (ORDER BY m.n)::int AS n
                   FROM regexp_matches(b.bound, $re$E?'(?:[^']|'')*'|[^,()\s]+$re$, 'g') WITH ORDINALITY m(token, n)
                  WHERE m.n > 3 AND m.token[1] <> 'TO') z
          CROSS JOIN LATERAL (
                SELECT z.n,
                       CASE WHEN r.routings[(z.n - 1) % r.keys + 1] = 'number' AND z.text ~ $re$^'?-?[0-9.]+'?$$re$
                            THEN trim_scale(btrim(z.text, '''')::numeric)::text
                            ELSE regexp_replace(z.text, $re$^'(-?[0-9.]+)'$$re$, '\1') END AS text) y
          WHERE r.strategy <> 'h') l
   WHERE t.relkind = 'p'
), leaf AS (
  SELECT t.*, CASE WHEN t.reltuples >= 0 THEN t.reltuples::bigint ELSE pg_stat_get_live_tuples(t.oid) END AS rows
    FROM tree t
   WHERE t.relkind <> 'p'
), met AS (
  SELECT a.oid AS referencing_oid, a.nspname AS a_schema, a.relname AS a_name, a.relkind AS a_kind, a.bound AS a_bound,
         a.rows AS a_rows, a.is_default,
         b.oid AS referenced_oid, b.nspname AS b_schema, b.relname AS b_name, b.relkind AS b_kind, b.bound AS b_bound,
         b.rows AS b_rows
    FROM (SELECT * FROM leaf WHERE side = 'referencing') a
    FULL JOIN (SELECT * FROM leaf WHERE side = 'referenced') b ON b.key = a.key
), judged AS (
  SELECT m.*,
         m.referencing_oid IS NOT NULL AND m.referenced_oid IS NOT NULL
           AND (NOT m.is_default
                OR NOT EXISTS (SELECT 1 FROM met o WHERE o.referencing_oid IS NULL OR o.referenced_oid IS NULL)) AS paired
    FROM met m
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
                  WHERE j.paired) o), '[]') AS pairs,
       coalesce((
         SELECT jsonb_agg(jsonb_build_object(
                  'side', l.side,
                  'oid', l.oid::bigint,
                  'partition', format('%I.%I', l.nspname, l.relname),
                  'kind', l.kind,
                  'bound', l.bound,
                  'rows', l.rows,
                  'comparable', (SELECT count(DISTINCT t.root_routing) = 1 FROM tree t WHERE t.level = 1))
                ORDER BY l.side DESC, l.nspname, l.relname)
           FROM judged j
          CROSS JOIN LATERAL (VALUES ('referencing', j.referencing_oid, j.a_schema, j.a_name, j.a_kind, j.a_bound, j.a_rows),
                                     ('referenced', j.referenced_oid, j.b_schema, j.b_name, j.b_kind, j.b_bound, j.b_rows))
                             l(side, oid, nspname, relname, kind, bound, rows)
          WHERE NOT j.paired AND l.oid IS NOT NULL),
         '[]') AS unpaired
:end
