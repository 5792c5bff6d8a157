-- About how many bytes the index on the foreign key columns will have in each leaf of :'pairs', by the planner's statistics: a B-tree entry
-- is 8 bytes and the key, aligned to 8, and a pointer of 4, on pages that are filled to 90 %. Equal keys are not counted as one. A column without
-- statistics, or whose statistics this role may not see, counts with the length of its type, or 32 bytes where that varies.
-- not null: bytes
:begin
SELECT coalesce(sum(least(greatest(l.rows, 0), 1e13) * (12 + 8 * ceil(w.width / 8.0)) / 0.9), 0)::float8 AS bytes
  FROM (SELECT p.referencing_oid AS oid, max(p.rows) AS rows
          FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, rows float8)
         GROUP BY p.referencing_oid) l
  JOIN pg_class c ON c.oid = l.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (
       SELECT sum(coalesce(least(greatest(s.avg_width, 0), 1000000), CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END)) AS width
         FROM pg_attribute a
         LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attname = ANY (ARRAY(SELECT jsonb_array_elements_text(:'column_names'::jsonb)))) w
:end
