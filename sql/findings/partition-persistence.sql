-- PostgreSQL accepts UNLOGGED partitions below a logged table, and then refuses the pair FK: a logged table may reference only
-- logged ones. The reverse is accepted. A temporary table belongs to one session, and no other may see its rows.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH pair AS (
  SELECT p.pair, format('%I.%I', an.nspname, a.relname) AS referencing, a.relpersistence AS a_persistence,
         format('%I.%I', bn.nspname, b.relname) AS referenced, b.relpersistence AS b_persistence
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_oid oid)
    JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
    JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
   WHERE p.constraint_oid IS NULL
)
SELECT 'unlogged-partition' AS id, 'error' AS severity, false AS needs_acceptance,
       format('%s referenced partition(s) are UNLOGGED while what references them is logged, the first being %s (referenced by %s): PostgreSQL refuses such a foreign key',
              count(*), (array_agg(referenced ORDER BY pair))[1], (array_agg(referencing ORDER BY pair))[1]) AS message,
       format('ALTER TABLE %s SET LOGGED (it rewrites the table under ACCESS EXCLUSIVE), or ALTER TABLE %s SET UNLOGGED',
              (array_agg(referenced ORDER BY pair))[1], (array_agg(referencing ORDER BY pair))[1]) AS remedy
  FROM pair
 WHERE a_persistence = 'p' AND b_persistence = 'u'
HAVING count(*) > 0
UNION ALL
SELECT 'temporary-partition', 'error', false,
       format('%s pair(s) have a temporary table, the first being %s and %s', count(*), (array_agg(referencing ORDER BY pair))[1], (array_agg(referenced ORDER BY pair))[1]),
       'only the session that made it can work on a temporary table'
  FROM pair
 WHERE 't' IN (a_persistence, b_persistence)
HAVING count(*) > 0
:end
