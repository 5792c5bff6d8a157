-- The partitions without a partner (:unpaired) that hold rows, as a JSON list of oids in :filled. Their rows are read, because
-- statistics are not exact; a partition that this role may not read is assumed to hold some.
SELECT coalesce(jsonb_agg(u -> 'oid'), '[]') AS relations
  FROM jsonb_array_elements(:'unpaired'::jsonb) u
 WHERE u ->> 'side' = 'referencing' AND u -> 'needsPair' IS DISTINCT FROM 'false' \gset
\set file ../../checks/emptiness.sql
\ir ../control/rows.sql
SELECT coalesce(string_agg(format('SELECT %s WHERE (%s)', e.oid, e.sql), ' UNION ALL '), 'SELECT 0 WHERE false') AS sql
  FROM jsonb_to_recordset(:'result'::jsonb) AS e(oid oid, sql text) \gset
\set kinds 'view, foreign-table'
\ir ../../checks/tables-only.sql
SELECT coalesce(jsonb_agg(f.oid), '[]') AS filled FROM ( :sql ) f(oid) \gset
\set kinds ''
\ir ../../checks/tables-only.sql
