-- A table or partition of the migration that has changed since the plan was made: dropped, or renamed. No row: all are unchanged.
-- not null: name
:begin
SELECT r.name
  FROM (SELECT m.table_oid AS oid, m.table_name AS name FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint
        UNION ALL
        SELECT m.referenced_oid, m.referenced_name FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint
        UNION ALL
        SELECT x.oid, x.name
          FROM p2pfk.pair p
         CROSS JOIN LATERAL (VALUES (p.referencing_oid, p.referencing), (p.referenced_oid, p.referenced)) x(oid, name)
         WHERE p.migration_id = :'migration_id'::bigint) r
  LEFT JOIN pg_class c ON c.oid = r.oid
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid IS NULL OR format('%I.%I', n.nspname, c.relname) <> r.name
 ORDER BY r.name
 LIMIT 1
:end
