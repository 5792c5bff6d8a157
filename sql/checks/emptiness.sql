-- For each partition the query that finds out whether it holds a row that needs a foreign key: planner statistics may be old,
-- this is exact. Any row counts; but where a DEFAULT or a LIST accepts keys with a NULL, such rows will stay, so only rows with a
-- complete key count, and with MATCH FULL those with a key that is NULL in part. A partition that this role may not read, or not
-- as a whole (row security), is assumed to hold some; that is a finding of its own. So is a foreign table: reading it runs what
-- its owner has put behind it, as the role that reads.
-- not null: oid, sql
:begin
WITH RECURSIVE up AS (
  SELECT r.oid::oid AS leaf, r.oid::oid AS oid FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid)
  UNION ALL
  SELECT u.leaf, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid
), leaf AS (
  SELECT u.leaf AS oid,
         -- Without its quoted literals a LIST has the word NULL only for NULL.
         bool_or(regexp_replace(b.bound, $re$'(?:[^']|'')*'$re$, '', 'g') ~ $re$^DEFAULT$|\mNULL\M$re$) AS takes_null
    FROM up u
    JOIN pg_class c ON c.oid = u.oid
   CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
   GROUP BY u.leaf
)
SELECT c.oid,
       CASE WHEN c.relkind = 'r' AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
            THEN format('SELECT EXISTS (SELECT FROM ONLY %I.%I%s) AS has_rows', n.nspname, c.relname,
                        CASE WHEN l.takes_null THEN ' WHERE ' || k.needs_check ELSE '' END)
            ELSE 'SELECT true AS has_rows' END AS sql
  FROM leaf l
  JOIN pg_class c ON c.oid = l.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (
       SELECT string_agg(format('%I IS NOT NULL', k.name), CASE WHEN :'actions'::text ~ '^ *MATCH FULL' THEN ' OR ' ELSE ' AND ' END) AS needs_check
         FROM jsonb_array_elements_text(:'column_names'::jsonb) k(name)) k
:end
