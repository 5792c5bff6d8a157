-- Rows of each partition of path that has any.
-- not null: partition, rows
SELECT c.relname AS partition, count(*)::text AS rows
FROM public.path p
JOIN pg_class c ON c.oid = p.tableoid
GROUP BY c.relname;
