-- The index that serves the lookup of each given pair (as catalog/pair-states.sql has them), or else the name and the columns of
-- the one to build. Run it with search_path = pg_catalog. Reads only.
-- not null: pair, has_index, index_name, index_leftover, index_columns
:begin
WITH pairs AS (
  SELECT p.*,
         -- A foreign key of a sibling, which tells how columns are compared where a pair has none yet.
         (SELECT c.oid
            FROM pg_inherits a
            JOIN pg_constraint c ON c.conrelid = a.inhrelid AND c.contype = 'f'
            JOIN pg_inherits b ON b.inhrelid = c.confrelid AND b.inhparent = :'referenced_oid'::oid
           WHERE p.constraint_oid IS NULL AND p.leaf_constraint_oid IS NULL AND a.inhparent = :'referencing_oid'::oid
             AND (SELECT count(*) FROM pg_attribute k
                   WHERE k.attrelid = c.conrelid AND k.attnum = ANY (c.conkey) AND :'column_names'::jsonb ? k.attname)
                 = jsonb_array_length(:'column_names'::jsonb)
           ORDER BY c.oid
           LIMIT 1) AS sibling_fk
    FROM jsonb_to_recordset(:'pairs'::jsonb)
         AS p(pair int, referencing_oid oid, constraint_oid oid, leaf_constraint_oid oid, index_name name, index_leftover boolean)
)
SELECT p.pair,
       i.relname IS NOT NULL                    AS has_index,
       coalesce(i.relname, p.index_name)        AS index_name,
       p.index_leftover AND i.relname IS NULL   AS index_leftover,
       i.columns                                AS index_columns
  FROM pairs p
  CROSS JOIN LATERAL (SELECT p.referencing_oid AS leaf, :'column_names'::jsonb AS names, coalesce(p.constraint_oid, p.leaf_constraint_oid, p.sibling_fk) AS fk) w
  -- The index rule: the same text as in ledger/views.sql, and a test compares them.
  --
  -- An index serves if the lookup of a referential action, `$1 = column AND ...`, can use it for every column that tells rows of
  -- this leaf apart. It is valid, btree (or hash), and begins with those columns, in any order; columns that a bound of one value
  -- makes constant may be missing. For each column its operator family holds the FK's equality operator, and its collation is the
  -- one that the FK compares with. A predicate says no more than that FK columns are not null, which `$1 = column` implies. A
  -- unique index on some of the FK's columns serves, too.
  LEFT JOIN LATERAL (
       WITH RECURSIVE ancestry(child, parent) AS (
         SELECT i.inhrelid, i.inhparent FROM pg_inherits i WHERE i.inhrelid = w.leaf
         UNION ALL
         SELECT i.inhrelid, i.inhparent
           FROM ancestry a CROSS JOIN LATERAL (SELECT i.inhrelid, i.inhparent FROM pg_inherits i WHERE i.inhrelid = a.parent OFFSET 0) i
       ), single(attname) AS (
         SELECT a.attname
           FROM ancestry s
           JOIN pg_class c ON c.oid = s.child
           JOIN pg_partitioned_table p ON p.partrelid = s.parent AND p.partnatts = 1
           JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = (p.partattrs::int2[])[0]
          CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
          CROSS JOIN LATERAL (
                SELECT regexp_match(b.bound, $re$^FOR VALUES FROM \('?(-?[0-9]+)'?\) TO \('?(-?[0-9]+)'?\)$$re$) AS limits) m
          WHERE CASE
                  WHEN p.partstrat = 'l' THEN b.bound ~ $re$^FOR VALUES IN \((E?'([^']|'')*'|[^,()'[:space:]]+)\)$$re$
                                AND b.bound <> 'FOR VALUES IN (NULL)'
                  WHEN p.partstrat = 'r'
                      THEN a.atttypid = ANY ('{21,23,20}'::oid[]) AND m.limits[2]::numeric = (m.limits[1]::numeric + 1)  -- int2, int4, int8
                  ELSE false END
       ), compared AS (
         SELECT e.n, a.attnum, a.attname, o.operator, coalesce(rc.oid, a.attcollation) AS coll,
                EXISTS (SELECT FROM single s WHERE s.attname = a.attname) AS constant,
                -- The lookup casts a column whose type has no such operator: only an index on that expression serves.
                CASE WHEN q.oprright <> t.base AND qt.typtype <> 'p'
                          AND NOT EXISTS (SELECT FROM pg_cast k
                                           WHERE k.castsource = t.base AND k.casttarget = q.oprright AND k.castmethod = 'b')
                     THEN format('((%I)::%s)', a.attname, format_type(q.oprright, NULL)) END AS expression,
                CASE WHEN qt.oid IS NOT NULL THEN format('((%I)::%I.%I)', a.attname, qn.nspname, qt.typname) END AS built,
                CASE WHEN rc.oid <> a.attcollation THEN format(' COLLATE %I.%I', rcn.nspname, rc.collname) ELSE '' END AS collate
           FROM jsonb_array_elements_text(w.names) WITH ORDINALITY e(name, n)
           JOIN pg_attribute a ON a.attrelid = w.leaf AND a.attname = e.name::name
           JOIN pg_type ty ON ty.oid = a.atttypid
          CROSS JOIN LATERAL (SELECT CASE WHEN ty.typtype = 'd' THEN ty.typbasetype ELSE ty.oid END AS base) t
           LEFT JOIN pg_constraint c ON c.oid = w.fk
           LEFT JOIN pg_attribute own ON own.attrelid = c.conrelid AND own.attname = a.attname
          CROSS JOIN LATERAL (SELECT array_position(c.conkey, own.attnum) AS position) x
          CROSS JOIN LATERAL (SELECT c.conpfeqop[x.position] AS operator) o
           LEFT JOIN pg_operator q ON q.oid = o.operator
           LEFT JOIN pg_type qt ON qt.oid = q.oprright
           LEFT JOIN pg_namespace qn ON qn.oid = qt.typnamespace
           LEFT JOIN pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = c.confkey[x.position]
           LEFT JOIN pg_collation rc ON rc.oid = ra.attcollation AND NOT rc.collisdeterministic
           LEFT JOIN pg_namespace rcn ON rcn.oid = rc.collnamespace
       ), looked_up AS (
         SELECT c.*, NOT c.constant OR NOT EXISTS (SELECT FROM compared o WHERE NOT o.constant) AS tells_apart FROM compared c
       )
       SELECT (SELECT ic.relname
                 FROM pg_index x
                 JOIN pg_class ic ON ic.oid = x.indexrelid
                 JOIN pg_am am ON am.oid = ic.relam AND am.amname = ANY ('{btree,hash}'::name[])
                CROSS JOIN LATERAL (
                      SELECT count(DISTINCT l.attnum) FILTER (WHERE l.leads AND l.tells_apart)
                               = (SELECT count(*) FROM looked_up d WHERE d.tells_apart)
                             OR x.indisunique AND x.indimmediate AND bool_and(l.leads OR l.n > x.indnkeyatts)
                                AND bool_or(l.leads AND l.tells_apart) AS serves
                        FROM (SELECT k.n, d.attnum, d.tells_apart,
                                     bool_and(d.attnum IS NOT NULL AND k.n <= x.indnkeyatts) OVER (ORDER BY k.n) AS leads
                                FROM unnest(x.indkey::int2[], x.indclass::oid[], x.indcollation::oid[])
                                     WITH ORDINALITY k(attnum, opclass, coll, n)
                                LEFT JOIN pg_opclass oc ON oc.oid = k.opclass
                                LEFT JOIN looked_up d
                                  ON (k.attnum = d.attnum AND d.expression IS NULL
                                      OR k.attnum = 0 AND pg_get_indexdef(x.indexrelid, k.n::int, false) = d.expression)
                                 AND k.coll = ANY (ARRAY[d.coll, 0])
                                 AND CASE WHEN d.operator IS NULL THEN oc.opcdefault
                                          ELSE (SELECT true FROM pg_amop ao
                                                        WHERE ao.amopfamily = oc.opcfamily AND ao.amopopr = d.operator AND ao.amoppurpose = 's'
                                                          AND ao.amopstrategy = CASE WHEN am.amname = 'hash' THEN 1 ELSE 3 END)
                                     END) l) v
                WHERE x.indrelid = w.leaf AND x.indisvalid AND x.indisready AND x.indislive AND v.serves
                  AND (x.indpred IS NULL
                       OR regexp_replace(
                            regexp_replace(pg_get_expr(x.indpred, x.indrelid),
                                           (SELECT string_agg(format($re$\(%s IS NOT NULL\)$re$,
                                                                     regexp_replace(quote_ident(d.attname), '([^[:alnum:]_" ])', $re$\\\1$re$, 'g')), '|')
                                              FROM looked_up d), '', 'g'),
                            '[() ]|AND', '', 'g') = '')
                ORDER BY ic.relname
                LIMIT 1) AS relname,
              -- As SQL that means the same under any search_path.
              (SELECT string_agg(CASE WHEN d.expression IS NULL THEN quote_ident(d.attname) || d.collate ELSE d.built END, ', ' ORDER BY d.n)
                 FROM looked_up d) AS columns
       ) i ON true
  -- End of the index rule.
 ORDER BY p.pair
:end
