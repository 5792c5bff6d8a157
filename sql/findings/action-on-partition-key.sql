-- SET NULL or SET DEFAULT of a partition key column: the parent FK moves the row to the partition of its new key, a pair FK works on
-- its own leaf only and is refused (23514) where the row could not stay there. Tried on 13 and 18.
--
-- Acceptance where such a DELETE or UPDATE can succeed today, because some partition takes the new key. Where none takes a NULL (a
-- LIST without NULL, a RANGE, neither with a DEFAULT) PostgreSQL refuses it already. A default other than NULL is not evaluated here.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE fk AS (
  SELECT c.oid, c.conrelid, c.conkey, e.event, e.action, e.columns
    FROM pg_constraint c
   CROSS JOIN LATERAL (VALUES ('DELETE', c.confdeltype, to_jsonb(c) -> 'confdelsetcols'),  -- column of 15+
                              ('UPDATE', c.confupdtype, NULL)) e(event, action, columns)
   WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid AND e.action IN ('n', 'd')
), changed AS (
  SELECT f.event, f.action, a.attname, a.attnotnull,
         f.action = 'n' OR NOT (a.atthasdef OR a.attidentity <> '') AS to_null
    FROM fk f
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)
                       AND (coalesce(jsonb_typeof(f.columns), 'null') = 'null' OR f.columns @> to_jsonb(a.attnum))
), level AS (
  -- Each partitioned table below the root: which changed columns partition it, and whether it has a partition for NULL.
  SELECT t.relid, t.parentrelid, c.event, c.action, count(ka.attname) > 0 AS concerned,
         string_agg(DISTINCT quote_ident(ka.attname), ', ') AS columns,
         k.partstrat = 'h' OR k.partdefid <> 0 OR NOT coalesce(bool_or(c.to_null) FILTER (WHERE ka.attname IS NOT NULL), false)
           OR EXISTS (SELECT FROM pg_inherits i JOIN pg_class l ON l.oid = i.inhrelid
                       WHERE i.inhparent = k.partrelid AND k.partstrat = 'l'
                         AND regexp_replace(pg_get_expr(l.relpartbound, l.oid), '''([^'']|'''')*''', '', 'g') ~ '\mNULL\M') AS takes
    FROM pg_partition_tree(:'referencing_oid'::oid) t
    JOIN pg_partitioned_table k ON k.partrelid = t.relid
   CROSS JOIN changed c
    LEFT JOIN pg_attribute ka ON ka.attrelid = t.relid AND ka.attnum = ANY (k.partattrs::int2[]) AND ka.attname = c.attname
   GROUP BY t.relid, t.parentrelid, c.event, c.action, k.partrelid, k.partstrat, k.partdefid
), reached AS (
  SELECT l.* FROM level l WHERE l.relid = :'referencing_oid'::oid
  UNION ALL
  SELECT l.relid, l.parentrelid, l.event, l.action, l.concerned, l.columns, l.takes AND r.takes
    FROM reached r JOIN level l ON l.parentrelid = r.relid AND l.event = r.event
), hit AS (
  SELECT r.event, r.action, bool_or(r.takes) AS works_today,
         (SELECT string_agg(DISTINCT quote_ident(x.attname), ', ') FROM changed x
           WHERE x.event = r.event AND EXISTS (SELECT FROM reached y JOIN pg_partitioned_table k ON k.partrelid = y.relid
                                                 JOIN pg_attribute a ON a.attrelid = y.relid AND a.attnum = ANY (k.partattrs::int2[])
                                                WHERE a.attname = x.attname)) AS columns
    FROM reached r
   WHERE r.concerned
     -- With one leaf a row has nowhere to move to: it stays, or is refused, today as afterwards.
     AND (SELECT count(*) FROM pg_partition_tree(:'referencing_oid'::oid) t WHERE t.isleaf) > 1
     -- A NULL in a NOT NULL column is refused today and afterwards.
     AND NOT EXISTS (SELECT FROM changed x WHERE x.event = r.event AND x.action = 'n' AND x.attnotnull)
   GROUP BY r.event, r.action
)
SELECT 'action-on-partition-key' AS id, 'warning' AS severity, bool_or(works_today) AS needs_acceptance,
       format('the foreign key changes the partition key of rows that lose their referenced row: %s (%s); ', :'table'::text,
              string_agg(format('ON %s SET %s of %s', event, CASE action WHEN 'n' THEN 'NULL' ELSE 'DEFAULT' END, columns), ', ' ORDER BY event))
         || CASE WHEN bool_or(works_today)
                 THEN 'the parent foreign key moves such a row to another partition, a pair foreign key cannot, so after the migration that DELETE or UPDATE is refused wherever the row could not stay in its partition'
                 ELSE 'no partition takes such a row, so that DELETE or UPDATE is refused today, and after the migration' END AS message,
       'leave the partition key out: ON DELETE SET NULL (columns), PostgreSQL 15 and newer; or use another action' AS remedy
  FROM hit
HAVING count(*) > 0
:end
