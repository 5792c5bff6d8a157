-- Two views that answer a DBA in psql what p2pfk audit answers on the command line. Run with the ledger's schema; safe to
-- run again. They are made anew only when their text has changed (the comment tells): a monitoring session that has one of
-- them open must not hold a migration up. Take no lock on any table of the application. Work on PostgreSQL 13 to 18.
DO $views$
DECLARE
  edition CONSTANT text := 'View of p2pfk, edition 1. ';
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
         f.valid, f.enforced, x.index_name, k.pair IS NOT NULL AS in_ledger,
         CASE
           WHEN f.oid IS NULL THEN 'no foreign key'
           WHEN NOT f.enforced THEN 'not enforced'
           WHEN NOT f.valid THEN 'not validated'
           WHEN r.relkind = 'r' AND k.referenced_oid <> f.confrelid THEN 'wrong target'
           WHEN x.index_name IS NULL THEN 'no index'
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
    LEFT JOIN LATERAL (
         SELECT min(ic.relname::text) AS index_name
           FROM pg_index i
           JOIN pg_class ic ON ic.oid = i.indexrelid
           JOIN pg_am am ON am.oid = ic.relam AND am.amname = 'btree'
          WHERE i.indrelid = l.oid AND i.indisvalid AND i.indisready AND i.indpred IS NULL
            AND (SELECT jsonb_agg(a.attname ORDER BY a.attname)
                   FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, n)
                   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                  WHERE u.n <= least(jsonb_array_length(m.column_names), i.indnkeyatts))
                = (SELECT jsonb_agg(e ORDER BY e COLLATE "C") FROM jsonb_array_elements_text(m.column_names) e)) x ON true
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
