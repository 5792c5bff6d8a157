-- Judges the query plans that explain-lookups.sql has made: `index_oid` is the index with which the lookup of that pair FK finds
-- its rows, NULL where there is none. An index counts if the condition on it covers its leading columns up to one that varies in
-- the partition: a condition on a later column alone reads the whole index, one on a constant column finds every row.
--
-- `rows` is the planner's estimate of the rows that reference one key. The plan decides; only where a partition is so small that
-- any index costs the same (below 8 MB), or where the role may not read it, the catalog alone decides whether an index would do.
-- not null: pair, constraint_oid, rows
:begin
WITH plan AS MATERIALIZED (
  SELECT p.* FROM jsonb_to_recordset(current_setting('p2pfk.lookup_plans')::jsonb)
                    AS p(constraint_oid oid, sqlstate text, rows float8, indexes jsonb)
), lookup AS MATERIALIZED (
  SELECT l.*, (SELECT array_agg(v.value::int2 ORDER BY v.n) FROM jsonb_array_elements_text(l.columns) WITH ORDINALITY v(value, n)) AS attnums,
         p.sqlstate, p.rows, p.indexes
    FROM jsonb_to_recordset(:'lookups'::jsonb) AS l(pair int, constraint_oid oid, referencing_oid oid, columns jsonb, varying jsonb)
    LEFT JOIN plan p ON p.constraint_oid = l.constraint_oid
), used AS MATERIALIZED (
  -- What the plan uses: the parameters in the Index Cond. Names in quotes could look like one, so they are taken out first.
  SELECT l.pair, l.varying, i.oid AS index_oid, true AS planned,
         (SELECT array_agg(DISTINCT l.attnums[m.token[1]::int])
            FROM regexp_matches(regexp_replace(e ->> 'condition', '"(?:[^"]|"")*"', 'q', 'g'), $re$(?<![\w$])\$(\d+)$re$, 'g') m(token)) AS attnums
    FROM lookup l
   CROSS JOIN LATERAL jsonb_array_elements(l.indexes) e
    JOIN pg_index x ON x.indrelid = l.referencing_oid
    JOIN pg_class i ON i.oid = x.indexrelid AND i.relname = e ->> 'name'
  UNION ALL
  SELECT l.pair, l.varying, x.indexrelid, false,
         (SELECT array_agg(DISTINCT u.att)
            FROM pg_constraint c
           CROSS JOIN LATERAL unnest(c.conkey, c.conpfeqop) u(att, op)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.att
            JOIN pg_operator o ON o.oid = u.op
            JOIN LATERAL unnest(x.indkey::int2[], x.indclass::oid[], x.indcollation::oid[]) k(att, opclass, coll)
              ON k.att = u.att AND k.coll = a.attcollation
            JOIN pg_opclass oc ON oc.oid = k.opclass
           WHERE c.oid = l.constraint_oid
             AND EXISTS (SELECT 1 FROM pg_amop m WHERE m.amopfamily = oc.opcfamily AND m.amopopr IN (o.oid, o.oprcom)))
    FROM lookup l
    JOIN pg_index x ON x.indrelid = l.referencing_oid AND x.indisvalid AND x.indisready AND x.indpred IS NULL
   WHERE coalesce(l.sqlstate, '') <> '' OR pg_relation_size(l.referencing_oid) < 8 * 1024 * 1024
), serving AS MATERIALIZED (
  SELECT u.pair, u.index_oid, u.planned
    FROM used u
    JOIN pg_index x ON x.indexrelid = u.index_oid
    JOIN pg_class i ON i.oid = u.index_oid
    JOIN pg_am am ON am.oid = i.relam AND am.amname IN ('btree', 'hash', 'gist', 'spgist')
   -- Where the lookup casts a column, the index is on that expression (attribute 0): the plan's condition then names a column that
   -- is no column of the index.
   CROSS JOIN LATERAL (SELECT ARRAY(SELECT a FROM unnest(u.attnums) a WHERE u.planned AND a <> ALL (x.indkey::int2[])) AS attnums) cast_
   WHERE EXISTS (SELECT 1
                   FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(att, n)
                  CROSS JOIN LATERAL unnest(CASE k.att WHEN 0 THEN cast_.attnums ELSE ARRAY[k.att] END) v(att)
                  WHERE k.n <= x.indnkeyatts AND u.varying @> to_jsonb(v.att)
                    AND (SELECT bool_and(CASE b.att WHEN 0 THEN cardinality(cast_.attnums) > 0
                                                    ELSE coalesce(b.att = ANY (u.attnums), false) END)
                           FROM unnest(x.indkey::int2[]) WITH ORDINALITY b(att, n) WHERE b.n <= k.n))
)
SELECT l.pair, l.constraint_oid::bigint AS constraint_oid, s.index_oid, coalesce(l.rows, 0) AS rows
  FROM lookup l
  LEFT JOIN (SELECT s.pair, (array_agg(s.index_oid::bigint ORDER BY s.planned DESC, s.index_oid))[1] AS index_oid
               FROM serving s GROUP BY s.pair) s ON s.pair = l.pair
 ORDER BY l.pair
:end
