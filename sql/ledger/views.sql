-- Two views that show a DBA in psql what p2pfk audit shows on the command line. Run with the ledger's schema; safe to run again.
-- They are made again only when their text has changed (which the comment shows): a monitoring session that uses one of them must
-- not block a migration. Take no lock on any table of the application. Work on PostgreSQL 13 to 18.
--
-- The views are only for people: nothing of ours reads them, and they stop no command. A role with USAGE on the schema can make an object
-- that depends on a view, or begin a transaction that locks it, without a right on the view. Where the columns are those of before, such an
-- object is no obstacle. Where they are not, the old view stays, and the next command tries again. Never CASCADE: that drops what is not ours.
--
-- Until the end of the transaction p2pfk.views_made is `yes` where they were made, and p2pfk.views_kept says in one line why not.
DO $views$
DECLARE
  edition CONSTANT text := 'View of p2pfk, edition 4. ';
  drops boolean := false;
  fault text;
  dependent text;
BEGIN
  PERFORM pg_catalog.set_config('p2pfk.views_made', '', true), pg_catalog.set_config('p2pfk.views_kept', '', true);
  -- Not by obj_description(): on 13 that is SQL without schemas, run under the path of now.
  IF EXISTS (SELECT FROM pg_catalog.pg_description d
              WHERE d.objoid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('p2pfk.delete_activity')
                AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid OPERATOR(pg_catalog.=) 0
                AND d.description OPERATOR(pg_catalog.~~) (edition OPERATOR(pg_catalog.||) '%')) THEN
    RETURN;
  END IF;
  LOOP
    BEGIN
      IF drops THEN
        DROP VIEW IF EXISTS p2pfk.foreign_key_architecture, p2pfk.delete_activity;
      END IF;

      -- One row for each leaf of a migrated table and each foreign key of that shape on it; one row with kind NULL where it
      -- has none. `drift` is NULL where all is well.
      CREATE OR REPLACE VIEW p2pfk.foreign_key_architecture AS
      WITH RECURSIVE tree AS (
        SELECT m.id, s.side, s.oid
          FROM p2pfk.migration m
         CROSS JOIN LATERAL (VALUES ('referencing', m.table_oid), ('referenced', m.referenced_oid)) s(side, oid)
         WHERE m.state OPERATOR(pg_catalog.<>) 'rolled-back'
        UNION ALL
        SELECT t.id, t.side, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) t.oid
      ), leaf AS (
        SELECT t.id, c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound
          FROM tree t
          JOIN pg_class c ON c.oid OPERATOR(pg_catalog.=) t.oid AND c.relkind OPERATOR(pg_catalog.<>) 'p'
          JOIN pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         WHERE t.side OPERATOR(pg_catalog.=) 'referencing'
      )
      SELECT m.table_name, m.constraint_name AS parent_foreign_key, l.name AS partition, l.bound,
             CASE WHEN r.relkind OPERATOR(pg_catalog.=) 'p' THEN 'parent' WHEN r.relkind OPERATOR(pg_catalog.=) 'r' THEN 'partition' END AS kind,
             f.conname::text AS foreign_key,
             CASE WHEN r.oid IS NOT NULL THEN pg_catalog.format('%I.%I', rn.nspname, r.relname) END AS referenced,
             f.valid, f.enforced, i.relname::text AS index_name, k.pair IS NOT NULL AS in_ledger,
             CASE
               WHEN f.oid IS NULL THEN 'no foreign key'
               WHEN NOT f.enforced THEN 'not enforced'
               WHEN NOT f.valid THEN 'not validated'
               WHEN r.relkind OPERATOR(pg_catalog.=) 'r' AND k.referenced_oid OPERATOR(pg_catalog.<>) f.confrelid THEN 'wrong target'
               WHEN i.relname IS NULL THEN 'no index'
             END AS drift
        FROM leaf l
        JOIN p2pfk.migration m ON m.id OPERATOR(pg_catalog.=) l.id
        LEFT JOIN LATERAL (
             SELECT c.oid, c.conname, c.confrelid, c.convalidated AS valid,
                    coalesce((pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'conenforced')::boolean, true)  -- column of 18+
                      AND (SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>=) 2 AND pg_catalog.bool_and(g.tgenabled OPERATOR(pg_catalog.=) ANY ('{O,A}'::pg_catalog."char"[]))
                             FROM pg_trigger g WHERE g.tgconstraint OPERATOR(pg_catalog.=) c.oid) AS enforced
               FROM pg_constraint c
               JOIN tree t ON t.id OPERATOR(pg_catalog.=) l.id AND t.side OPERATOR(pg_catalog.=) 'referenced' AND t.oid OPERATOR(pg_catalog.=) c.confrelid
              WHERE c.conrelid OPERATOR(pg_catalog.=) l.oid AND c.contype OPERATOR(pg_catalog.=) 'f' AND (c.conparentid OPERATOR(pg_catalog.=) 0 OR c.confrelid OPERATOR(pg_catalog.=) m.referenced_oid)
                AND (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attname)
                       FROM pg_catalog.unnest(c.conkey) u(attnum) JOIN pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.conrelid AND a.attnum OPERATOR(pg_catalog.=) u.attnum)
                    OPERATOR(pg_catalog.=) (SELECT pg_catalog.jsonb_agg(e ORDER BY e COLLATE pg_catalog."C") FROM pg_catalog.jsonb_array_elements_text(m.column_names) e)) f ON true
        LEFT JOIN LATERAL (
             SELECT p.pair, p.referenced_oid
               FROM p2pfk.pair p
              WHERE p.migration_id OPERATOR(pg_catalog.=) l.id AND p.referencing_oid OPERATOR(pg_catalog.=) l.oid
              ORDER BY p.referenced_oid OPERATOR(pg_catalog.=) f.confrelid DESC NULLS LAST, p.pair DESC
              LIMIT 1) k ON true
        LEFT JOIN pg_class r ON r.oid OPERATOR(pg_catalog.=) f.confrelid
        LEFT JOIN pg_namespace rn ON rn.oid OPERATOR(pg_catalog.=) r.relnamespace
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
               SELECT i.inhrelid, i.inhparent FROM pg_inherits i WHERE i.inhrelid OPERATOR(pg_catalog.=) w.leaf
               UNION ALL
               SELECT i.inhrelid, i.inhparent
                 FROM ancestry a CROSS JOIN LATERAL (SELECT i.inhrelid, i.inhparent FROM pg_inherits i WHERE i.inhrelid OPERATOR(pg_catalog.=) a.parent OFFSET 0) i
             ), single(attname) AS (
               SELECT a.attname
                 FROM ancestry s
                 JOIN pg_class c ON c.oid OPERATOR(pg_catalog.=) s.child
                 JOIN pg_partitioned_table p ON p.partrelid OPERATOR(pg_catalog.=) s.parent AND p.partnatts OPERATOR(pg_catalog.=) 1
                 JOIN pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) p.partrelid AND a.attnum OPERATOR(pg_catalog.=) (p.partattrs::int2[])[0]
                CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound) b
                CROSS JOIN LATERAL (
                      SELECT pg_catalog.regexp_match(b.bound, $re$^FOR VALUES FROM \('?(-?[0-9]+)'?\) TO \('?(-?[0-9]+)'?\)$$re$) AS limits) m
                WHERE CASE
                        WHEN p.partstrat OPERATOR(pg_catalog.=) 'l' THEN b.bound OPERATOR(pg_catalog.~) $re$^FOR VALUES IN \((E?'([^']|'')*'|[^,()'[:space:]]+)\)$$re$
                                      AND b.bound OPERATOR(pg_catalog.<>) 'FOR VALUES IN (NULL)'
                        WHEN p.partstrat OPERATOR(pg_catalog.=) 'r'
                          THEN a.atttypid OPERATOR(pg_catalog.=) ANY ('{21,23,20}'::oid[]) AND m.limits[2]::numeric OPERATOR(pg_catalog.=) (m.limits[1]::numeric OPERATOR(pg_catalog.+) 1)  -- int2, int4, int8
                        ELSE false END
             ), compared AS (
               SELECT e.n, a.attnum, a.attname, o.operator, coalesce(rc.oid, a.attcollation) AS coll,
                      EXISTS (SELECT FROM single s WHERE s.attname OPERATOR(pg_catalog.=) a.attname) AS constant,
                      -- The lookup casts a column whose type has no such operator: only an index on that expression serves.
                      CASE WHEN q.oprright OPERATOR(pg_catalog.<>) t.base AND qt.typtype OPERATOR(pg_catalog.<>) 'p'
                                AND NOT EXISTS (SELECT FROM pg_cast k
                                                 WHERE k.castsource OPERATOR(pg_catalog.=) t.base AND k.casttarget OPERATOR(pg_catalog.=) q.oprright AND k.castmethod OPERATOR(pg_catalog.=) 'b')
                           THEN pg_catalog.format('((%I)::%s)', a.attname, pg_catalog.format_type(q.oprright, NULL)) END AS expression,
                      CASE WHEN qt.oid IS NOT NULL THEN pg_catalog.format('((%I)::%I.%I)', a.attname, qn.nspname, qt.typname) END AS built,
                      CASE WHEN rc.oid OPERATOR(pg_catalog.<>) a.attcollation THEN pg_catalog.format(' COLLATE %I.%I', rcn.nspname, rc.collname) ELSE '' END AS collate
                 FROM pg_catalog.jsonb_array_elements_text(w.names) WITH ORDINALITY e(name, n)
                 JOIN pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) w.leaf AND a.attname OPERATOR(pg_catalog.=) e.name::name
                 JOIN pg_type ty ON ty.oid OPERATOR(pg_catalog.=) a.atttypid
                CROSS JOIN LATERAL (SELECT CASE WHEN ty.typtype OPERATOR(pg_catalog.=) 'd' THEN ty.typbasetype ELSE ty.oid END AS base) t
                 LEFT JOIN pg_constraint c ON c.oid OPERATOR(pg_catalog.=) w.fk
                 LEFT JOIN pg_attribute own ON own.attrelid OPERATOR(pg_catalog.=) c.conrelid AND own.attname OPERATOR(pg_catalog.=) a.attname
                CROSS JOIN LATERAL (SELECT pg_catalog.array_position(c.conkey, own.attnum) AS position) x
                CROSS JOIN LATERAL (SELECT c.conpfeqop[x.position] AS operator) o
                 LEFT JOIN pg_operator q ON q.oid OPERATOR(pg_catalog.=) o.operator
                 LEFT JOIN pg_type qt ON qt.oid OPERATOR(pg_catalog.=) q.oprright
                 LEFT JOIN pg_namespace qn ON qn.oid OPERATOR(pg_catalog.=) qt.typnamespace
                 LEFT JOIN pg_attribute ra ON ra.attrelid OPERATOR(pg_catalog.=) c.confrelid AND ra.attnum OPERATOR(pg_catalog.=) c.confkey[x.position]
                 LEFT JOIN pg_collation rc ON rc.oid OPERATOR(pg_catalog.=) ra.attcollation AND NOT rc.collisdeterministic
                 LEFT JOIN pg_namespace rcn ON rcn.oid OPERATOR(pg_catalog.=) rc.collnamespace
             ), looked_up AS (
               SELECT c.*, NOT c.constant OR NOT EXISTS (SELECT FROM compared o WHERE NOT o.constant) AS tells_apart FROM compared c
             )
             SELECT (SELECT ic.relname
                       FROM pg_index x
                       JOIN pg_class ic ON ic.oid OPERATOR(pg_catalog.=) x.indexrelid
                       JOIN pg_am am ON am.oid OPERATOR(pg_catalog.=) ic.relam AND am.amname OPERATOR(pg_catalog.=) ANY ('{btree,hash}'::name[])
                      CROSS JOIN LATERAL (
                            SELECT pg_catalog.count(DISTINCT l.attnum) FILTER (WHERE l.leads AND l.tells_apart)
                                     OPERATOR(pg_catalog.=) (SELECT pg_catalog.count(*) FROM looked_up d WHERE d.tells_apart)
                                   OR x.indisunique AND x.indimmediate AND pg_catalog.bool_and(l.leads OR l.n OPERATOR(pg_catalog.>) x.indnkeyatts)
                                      AND pg_catalog.bool_or(l.leads AND l.tells_apart) AS serves
                              FROM (SELECT k.n, d.attnum, d.tells_apart,
                                           pg_catalog.bool_and(d.attnum IS NOT NULL AND k.n OPERATOR(pg_catalog.<=) x.indnkeyatts) OVER (ORDER BY k.n) AS leads
                                      FROM unnest(x.indkey::int2[], x.indclass::oid[], x.indcollation::oid[])
                                           WITH ORDINALITY k(attnum, opclass, coll, n)
                                      LEFT JOIN pg_opclass oc ON oc.oid OPERATOR(pg_catalog.=) k.opclass
                                      LEFT JOIN looked_up d
                                        ON (k.attnum OPERATOR(pg_catalog.=) d.attnum AND d.expression IS NULL
                                            OR k.attnum OPERATOR(pg_catalog.=) 0 AND pg_catalog.pg_get_indexdef(x.indexrelid, k.n::int, false) OPERATOR(pg_catalog.=) d.expression)
                                       AND k.coll OPERATOR(pg_catalog.=) ANY (ARRAY[d.coll, 0])
                                       AND CASE WHEN d.operator IS NULL THEN oc.opcdefault
                                                ELSE (SELECT true FROM pg_amop ao
                                                              WHERE ao.amopfamily OPERATOR(pg_catalog.=) oc.opcfamily AND ao.amopopr OPERATOR(pg_catalog.=) d.operator AND ao.amoppurpose OPERATOR(pg_catalog.=) 's'
                                                                AND ao.amopstrategy OPERATOR(pg_catalog.=) CASE WHEN am.amname OPERATOR(pg_catalog.=) 'hash' THEN 1 ELSE 3 END)
                                           END) l) v
                      WHERE x.indrelid OPERATOR(pg_catalog.=) w.leaf AND x.indisvalid AND x.indisready AND x.indislive AND v.serves
                        AND (x.indpred IS NULL
                             OR pg_catalog.regexp_replace(
                                  pg_catalog.regexp_replace(pg_catalog.pg_get_expr(x.indpred, x.indrelid),
                                                 (SELECT pg_catalog.string_agg(pg_catalog.format($re$\(%s IS NOT NULL\)$re$,
                                                                           pg_catalog.regexp_replace(pg_catalog.quote_ident(d.attname), '([^[:alnum:]_" ])', $re$\\\1$re$, 'g')), '|')
                                                    FROM looked_up d), '', 'g'),
                                  '[() ]|AND', '', 'g') OPERATOR(pg_catalog.=) '')
                      ORDER BY ic.relname
                      LIMIT 1) AS relname,
                    -- As SQL that means the same under any search_path.
                    (SELECT pg_catalog.string_agg(CASE WHEN d.expression IS NULL THEN pg_catalog.quote_ident(d.attname) OPERATOR(pg_catalog.||) d.collate ELSE d.built END, ', ' ORDER BY d.n)
                       FROM looked_up d) AS columns
             ) i ON true
        -- End of the index rule.
       ORDER BY m.table_name, l.name, f.conname;

      -- Deletes on the partitions of both sides since the statistics were last reset. Scans of a referencing partition that
      -- grow with the deletes on its partner tell that a cascade has no index to go by.
      CREATE OR REPLACE VIEW p2pfk.delete_activity AS
      WITH RECURSIVE tree AS (
        SELECT DISTINCT s.side, s.oid, s.root
          FROM p2pfk.migration m
         CROSS JOIN LATERAL (VALUES ('referencing', m.table_oid, m.table_name),
                                    ('referenced', m.referenced_oid, m.referenced_name)) s(side, oid, root)
         WHERE m.state OPERATOR(pg_catalog.<>) 'rolled-back'
        UNION ALL
        SELECT t.side, i.inhrelid, t.root FROM tree t JOIN pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) t.oid
      )
      SELECT t.root AS table_name, t.side, pg_catalog.format('%I.%I', s.schemaname, s.relname) AS partition,
             s.n_tup_del AS deletes,
             CASE WHEN (s.n_live_tup::numeric OPERATOR(pg_catalog.+) s.n_dead_tup) OPERATOR(pg_catalog.<>) 0
                  THEN pg_catalog.round(s.n_tup_del::numeric OPERATOR(pg_catalog./) (s.n_live_tup::numeric OPERATOR(pg_catalog.+) s.n_dead_tup), 2) END AS delete_ratio,
             s.n_live_tup AS live_rows, s.n_dead_tup AS dead_rows,
             s.seq_scan AS sequential_scans, s.idx_scan AS index_scans,
             s.last_vacuum, s.last_autovacuum, d.stats_reset AS counted_since
        FROM tree t
        JOIN pg_stat_user_tables s ON s.relid OPERATOR(pg_catalog.=) t.oid
        JOIN pg_class c ON c.oid OPERATOR(pg_catalog.=) t.oid AND c.relkind OPERATOR(pg_catalog.=) 'r'
        LEFT JOIN pg_stat_database d ON d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
       ORDER BY s.n_tup_del DESC, 3;

      EXECUTE pg_catalog.format('COMMENT ON VIEW p2pfk.foreign_key_architecture IS %L',
                     edition OPERATOR(pg_catalog.||) 'Which foreign keys guard each referencing partition, and what is wrong with them');
      EXECUTE pg_catalog.format('COMMENT ON VIEW p2pfk.delete_activity IS %L',
                     edition OPERATOR(pg_catalog.||) 'Deletes on the partitions of migrated tables');

      PERFORM pg_catalog.set_config('p2pfk.views_made', 'yes', true);
      RETURN;
    EXCEPTION
      WHEN invalid_table_definition THEN  -- other columns than before
        IF drops THEN
          fault := SQLERRM;
        END IF;
        drops := true;
      WHEN dependent_objects_still_exist OR lock_not_available OR deadlock_detected OR insufficient_privilege OR wrong_object_type THEN
        fault := SQLERRM;
    END;
    EXIT WHEN fault IS NOT NULL;
  END LOOP;

  -- What depends on a view, or has a column of its row type: the rule of another view counts as that view.
  SELECT pg_catalog.format('%s %s, which belongs to %s, depends on them: DROP %s %s, or have its owner do that', i.type, i.identity,
                           pg_catalog.pg_get_userbyid(o.owner), pg_catalog.upper(i.type), i.identity)
    INTO dependent
    FROM pg_class v
    JOIN pg_type t ON t.oid OPERATOR(pg_catalog.=) v.reltype
   CROSS JOIN LATERAL (VALUES ('pg_catalog.pg_class'::pg_catalog.regclass, v.oid), ('pg_catalog.pg_type'::pg_catalog.regclass, t.oid),
                              ('pg_catalog.pg_type'::pg_catalog.regclass, t.typarray)) u(classid, oid)
    JOIN pg_depend d ON d.refclassid OPERATOR(pg_catalog.=) u.classid AND d.refobjid OPERATOR(pg_catalog.=) u.oid
                    AND d.deptype OPERATOR(pg_catalog.=) ANY ('{n,a}'::pg_catalog."char"[])
    LEFT JOIN pg_rewrite w ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid OPERATOR(pg_catalog.=) d.objid
   CROSS JOIN LATERAL (SELECT CASE WHEN w.oid IS NULL THEN d.classid::pg_catalog.regclass ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END AS classid,
                              coalesce(w.ev_class, d.objid) AS oid) x
   CROSS JOIN LATERAL pg_catalog.pg_identify_object(x.classid, x.oid, 0) i
   CROSS JOIN LATERAL (SELECT coalesce((SELECT c.relowner FROM pg_class c WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid OPERATOR(pg_catalog.=) x.oid),
                                       (SELECT f.proowner FROM pg_proc f WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid OPERATOR(pg_catalog.=) x.oid),
                                       (SELECT y.typowner FROM pg_type y WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid OPERATOR(pg_catalog.=) x.oid)) AS owner) o
   WHERE v.oid OPERATOR(pg_catalog.=) ANY (ARRAY[pg_catalog.to_regclass('p2pfk.foreign_key_architecture'), pg_catalog.to_regclass('p2pfk.delete_activity')]::pg_catalog.oid[])
     AND x.oid OPERATOR(pg_catalog.<>) v.oid AND o.owner IS NOT NULL
   ORDER BY i.identity LIMIT 1;
  fault := pg_catalog.format('the views of the ledger, schema p2pfk, stay as an older p2pfk has made them: %s; nothing depends on their contents, and the next command tries again',
                             coalesce(dependent, fault));
  PERFORM pg_catalog.set_config('p2pfk.views_kept', fault, true);
  RAISE WARNING '%', fault;
END
$views$;
