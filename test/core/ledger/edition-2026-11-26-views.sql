-- Two views that answer a DBA in psql what p2pfk audit answers on the command line. Run with the ledger's schema; safe to
-- run again. They are made anew only when their text has changed (the comment tells): a monitoring session that has one of
-- them open must not hold a migration up. Take no lock on any table of the application. Work on PostgreSQL 13 to 18.
DO $views$
DECLARE
  edition CONSTANT text := 'View of p2pfk, edition 2. ';
BEGIN
  IF coalesce(obj_description(to_regclass('p2pfk.delete_activity'), 'pg_class'), '') LIKE edition || '%' THEN
    RETURN;
  END IF;
  DROP VIEW IF EXISTS p2pfk.foreign_key_architecture, p2pfk.delete_activity;

  -- One row for each leaf of a migrated table and each foreign key of that shape on it; one row with kind NULL where it
  -- has none. `drift` is NULL where all is well.
  CREATE VIEW p2pfk.foreign_key_architecture AS
  WITH RECURSIVE tree AS (
    SELECT m.id, s.side, s.oid
      FROM p2pfk.migration m
     CROSS JOIN LATERAL (VALUES ('referencing', m.table_oid), ('referenced', m.referenced_oid)) s(side, oid)
     WHERE m.state <> 'rolled-back'
    UNION ALL
    SELECT t.id, t.side, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
  ), leaf AS (
    SELECT t.id, c.oid, format('%I.%I', n.nspname, c.relname) AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
      FROM tree t
      JOIN pg_class c ON c.oid = t.oid AND c.relkind <> 'p'
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE t.side = 'referencing'
  )
  SELECT m.table_name, m.constraint_name AS parent_foreign_key, l.name AS partition, l.bound,
         CASE r.relkind WHEN 'p' THEN 'parent' WHEN 'r' THEN 'partition' END AS kind,
         f.conname::text AS foreign_key,
         CASE WHEN r.oid IS NOT NULL THEN format('%I.%I', rn.nspname, r.relname) END AS referenced,
         f.valid, f.enforced, i.relname::text AS index_name, k.pair IS NOT NULL AS in_ledger,
         CASE
           WHEN f.oid IS NULL THEN 'no foreign key'
           WHEN NOT f.enforced THEN 'not enforced'
           WHEN NOT f.valid THEN 'not validated'
           WHEN r.relkind = 'r' AND k.referenced_oid <> f.confrelid THEN 'wrong target'
           WHEN i.relname IS NULL THEN 'no index'
         END AS drift
    FROM leaf l
    JOIN p2pfk.migration m ON m.id = l.id
    LEFT JOIN LATERAL (
         SELECT c.oid, c.conname, c.confrelid, c.convalidated AS valid,
                coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)  -- column of 18+
                  AND (SELECT count(*) >= 2 AND bool_and(g.tgenabled IN ('O', 'A'))
                         FROM pg_trigger g WHERE g.tgconstraint = c.oid) AS enforced
           FROM pg_constraint c
           JOIN tree t ON t.id = l.id AND t.side = 'referenced' AND t.oid = c.confrelid
          WHERE c.conrelid = l.oid AND c.contype = 'f' AND (c.conparentid = 0 OR c.confrelid = m.referenced_oid)
            AND (SELECT jsonb_agg(a.attname ORDER BY a.attname)
                   FROM unnest(c.conkey) u(attnum) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.attnum)
                = (SELECT jsonb_agg(e ORDER BY e COLLATE "C") FROM jsonb_array_elements_text(m.column_names) e)) f ON true
    LEFT JOIN LATERAL (
         SELECT p.pair, p.referenced_oid
           FROM p2pfk.pair p
          WHERE p.migration_id = l.id AND p.referencing_oid = l.oid
          ORDER BY p.referenced_oid = f.confrelid DESC NULLS LAST, p.pair DESC
          LIMIT 1) k ON true
    LEFT JOIN pg_class r ON r.oid = f.confrelid
    LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
    CROSS JOIN LATERAL (SELECT l.oid AS leaf, m.column_names AS names, f.oid AS fk) w
    -- The index rule: the same text as in catalog/pair-indexes.sql, and a test compares them.
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
           SELECT i.inhrelid, i.inhparent FROM ancestry a JOIN pg_inherits i ON i.inhrelid = a.parent
         ), single(attname) AS (
           SELECT a.attname
             FROM ancestry s
             JOIN pg_class c ON c.oid = s.child
             JOIN pg_partitioned_table p ON p.partrelid = s.parent AND p.partnatts = 1
             JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = (p.partattrs::int2[])[0]
            CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
            CROSS JOIN LATERAL (
                  SELECT regexp_match(b.bound, $re$^FOR VALUES FROM \('?(-?[0-9]+)'?\) TO \('?(-?[0-9]+)'?\)$$re$) AS limits) m
            WHERE CASE p.partstrat
                    WHEN 'l' THEN b.bound ~ $re$^FOR VALUES IN \((E?'([^']|'')*'|[^,()'[:space:]]+)\)$$re$
                                  AND b.bound <> 'FOR VALUES IN (NULL)'
                    WHEN 'r' THEN a.atttypid IN (21, 23, 20) AND m.limits[2]::numeric = m.limits[1]::numeric + 1  -- int2, int4, int8
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
                   JOIN pg_am am ON am.oid = ic.relam AND am.amname IN ('btree', 'hash')
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
                                   AND k.coll IN (d.coll, 0)
                                   AND CASE WHEN d.operator IS NULL THEN oc.opcdefault
                                            ELSE EXISTS (SELECT FROM pg_amop ao
                                                          WHERE ao.amopfamily = oc.opcfamily AND ao.amopopr = d.operator
                                                            AND ao.amopstrategy = CASE am.amname WHEN 'hash' THEN 1 ELSE 3 END)
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
   ORDER BY m.table_name, l.name, f.conname;

  -- Deletes on the partitions of both sides since the statistics were last reset. Scans of a referencing partition that
  -- grow with the deletes on its partner tell that a cascade has no index to go by.
  CREATE VIEW p2pfk.delete_activity AS
  WITH RECURSIVE tree AS (
    SELECT DISTINCT s.side, s.oid, s.root
      FROM p2pfk.migration m
     CROSS JOIN LATERAL (VALUES ('referencing', m.table_oid, m.table_name),
                                ('referenced', m.referenced_oid, m.referenced_name)) s(side, oid, root)
     WHERE m.state <> 'rolled-back'
    UNION ALL
    SELECT t.side, i.inhrelid, t.root FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
  )
  SELECT t.root AS table_name, t.side, format('%I.%I', s.schemaname, s.relname) AS partition,
         s.n_tup_del AS deletes,
         round(s.n_tup_del::numeric / nullif(s.n_live_tup + s.n_dead_tup, 0), 2) AS delete_ratio,
         s.n_live_tup AS live_rows, s.n_dead_tup AS dead_rows,
         s.seq_scan AS sequential_scans, s.idx_scan AS index_scans,
         s.last_vacuum, s.last_autovacuum, d.stats_reset AS counted_since
    FROM tree t
    JOIN pg_stat_user_tables s ON s.relid = t.oid
    JOIN pg_class c ON c.oid = t.oid AND c.relkind = 'r'
    LEFT JOIN pg_stat_database d ON d.datname = current_database()
   ORDER BY s.n_tup_del DESC, 3;

  EXECUTE format('COMMENT ON VIEW p2pfk.foreign_key_architecture IS %L',
                 edition || 'Which foreign keys guard each referencing partition, and what is wrong with them');
  EXECUTE format('COMMENT ON VIEW p2pfk.delete_activity IS %L',
                 edition || 'Deletes on the partitions of migrated tables');
END
$views$;
