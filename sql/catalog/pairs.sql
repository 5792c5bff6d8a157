-- The pairs: each referencing leaf partition with the referenced leaf partition that holds its keys.
--
-- One row, two JSON arrays: `pairs` (largest first, so that side-by-side work ends together) and `unpaired`. JSON,
-- because all other files take the pairs as ONE parameter: psql hands it on with \gset, node-postgres as $n.
--
-- Pairing goes by partition bound, never by name. Bounds are compared after PostgreSQL has printed both in the same
-- session; the order of a LIST does not count, nor whether the type quotes its numbers (bigint does, integer does not).
-- DEFAULT pairs with DEFAULT only where every other bound has its partner: else the two hold different keys.
-- Below the root a bound also has to bound the same columns of the foreign key (the root's own keys are a finding).
--
-- pg_inherits is walked by hand: pg_partition_tree() would lock every partition. Reads only, a constant number of scans.
:begin
WITH RECURSIVE fk AS (
  SELECT :'referencing_oid'::oid AS referencing, :'referenced_oid'::oid AS referenced,
         :'column_names'::jsonb AS column_names, :'referenced_column_names'::jsonb AS referenced_column_names
), tree AS (
  SELECT s.side, s.root AS oid, ARRAY[]::oid[] AS path
    FROM fk, LATERAL (VALUES ('referencing', fk.referencing), ('referenced', fk.referenced)) s(side, root)
  UNION ALL
  SELECT t.side, i.inhrelid, t.path || i.inhrelid
    FROM tree t
    JOIN pg_inherits i ON i.inhparent = t.oid
), node AS (
  SELECT t.side, t.oid, t.path, c.relkind, c.relname, c.relnamespace, n.nspname,
         pg_get_expr(c.relpartbound, c.oid) AS bound, c.reltuples
    FROM tree t
    JOIN pg_class c ON c.oid = t.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
), bound AS (
  SELECT n.side, n.oid,
         CASE
           WHEN n.bound LIKE 'FOR VALUES IN (%' THEN 'IN ' || (
             SELECT string_agg(v.value, ', ' ORDER BY v.value COLLATE "C")
               FROM regexp_matches(substr(n.bound, 15), $re$E?'(?:[^']|'')*'|[^,()\s]+$re$, 'g') m,
                    LATERAL (SELECT regexp_replace(m[1], $re$^'(-?[0-9.]+)'$$re$, '\1')) v(value))
           ELSE regexp_replace(n.bound, $re$'(-?[0-9.]+)'$re$, '\1', 'g')
         END || coalesce(' BY ' || (
             SELECT string_agg(coalesce(f.position::text, n.side || ' attribute ' || k.attnum), ', ' ORDER BY k.n)
               FROM fk
               JOIN pg_partitioned_table p ON p.partrelid = n.path[cardinality(n.path) - 1]
              CROSS JOIN unnest(p.partattrs::int2[]) WITH ORDINALITY k(attnum, n)
               LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum > 0
               LEFT JOIN jsonb_array_elements_text(CASE n.side WHEN 'referencing' THEN fk.column_names
                                                              ELSE fk.referenced_column_names END)
                         WITH ORDINALITY f(name, position) ON f.name = a.attname), '') AS key,
         n.bound = 'DEFAULT' AS is_default
    FROM node n
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
                  'rows', l.rows)
                ORDER BY l.side DESC, l.nspname, l.relname)
           FROM leaf l
          WHERE NOT EXISTS (SELECT 1 FROM matched m
                             WHERE CASE l.side WHEN 'referencing' THEN m.referencing ELSE m.referenced END = l.oid)),
         '[]') AS unpaired
:end
