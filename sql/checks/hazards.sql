-- What stands on the two tables and may stand in the way, or behave differently than one thinks. One row for each.
--   action-on-partition-key  SET NULL or SET DEFAULT changes a partition key: a pair FK cannot move the row as the parent FK does
--   wraparound-vacuum   an autovacuum that no lock request cancels works on a partition now
--   disabled-trigger    a trigger of the parent FK is disabled: it has not been checked of late
--   probe-trigger       triggers of the application would fire in the DELETE probe, which is then skipped
--   publication         the tables are published: DDL is not replicated, and a subscriber keeps its own foreign keys
--   invalid-index       an index on the FK's columns is INVALID and serves nobody
--   broken-children     the parent FK lacks children that it must have on some partition (a bug of old minor versions)
:begin
WITH RECURSIVE tree AS (
  SELECT s.side, s.root AS oid
    FROM (VALUES ('referencing', :'referencing_oid'::oid), ('referenced', :'referenced_oid'::oid)) s(side, root)
  UNION ALL
  SELECT t.side, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
), relation AS (
  SELECT t.side, t.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind
    FROM tree t
    JOIN pg_class c ON c.oid = t.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
), parent AS (
  SELECT c.oid, c.conrelid, c.confrelid FROM pg_constraint c WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid
), child AS (
  SELECT c.oid, c.conrelid FROM pg_constraint c JOIN parent p ON c.oid = p.oid OR c.conparentid = p.oid
)
SELECT 'action-on-partition-key' AS kind, r.name AS relation,
       format('ON %s SET %s of %s', e.event, CASE e.action WHEN 'n' THEN 'NULL' ELSE 'DEFAULT' END,
              string_agg(DISTINCT quote_ident(a.attname), ', ')) AS detail
  FROM parent p
  JOIN pg_constraint c ON c.oid = p.oid
  JOIN relation r ON r.oid = p.conrelid AND r.side = 'referencing'
 CROSS JOIN LATERAL (VALUES ('DELETE', c.confdeltype, to_jsonb(c) -> 'confdelsetcols'),  -- column of 15+
                            ('UPDATE', c.confupdtype, NULL)) e(event, action, columns)
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
                     AND (coalesce(jsonb_typeof(e.columns), 'null') = 'null' OR e.columns @> to_jsonb(a.attnum))
                     AND NOT (e.action = 'n' AND a.attnotnull)
 WHERE e.action IN ('n', 'd')
   AND EXISTS (SELECT 1
                 FROM tree t
                 JOIN pg_partitioned_table k ON k.partrelid = t.oid
                 JOIN pg_attribute ka ON ka.attrelid = t.oid AND ka.attnum = ANY (k.partattrs::int2[])
                WHERE t.side = 'referencing' AND ka.attname = a.attname)
 GROUP BY r.name, e.event, e.action
UNION
SELECT 'wraparound-vacuum', r.name, a.query
  FROM pg_stat_activity a
  JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'relation'
  JOIN relation r ON r.oid = l.relation
 WHERE a.backend_type = 'autovacuum worker' AND a.query LIKE '%(to prevent wraparound)%'
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION
SELECT 'disabled-trigger', r.name, g.tgname::text
  FROM child c
  JOIN pg_trigger g ON g.tgconstraint = c.oid AND g.tgenabled NOT IN ('O', 'A')
  JOIN relation r ON r.oid = g.tgrelid
UNION
SELECT 'probe-trigger', r.name, g.tgname::text
  FROM relation r
  JOIN pg_trigger g ON g.tgrelid = r.oid AND g.tgenabled <> 'D'  -- not tgisinternal: see delete-probe.sql
 WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.oid = g.tgconstraint AND c.contype <> 't')
   AND r.relkind = 'r' AND g.tgtype & CASE r.side WHEN 'referenced' THEN 8 ELSE 24 END <> 0
UNION
SELECT 'publication', r.name, p.pubname::text
  FROM relation r
  JOIN pg_publication_rel x ON x.prrelid = r.oid
  JOIN pg_publication p ON p.oid = x.prpubid
UNION
SELECT 'publication', 'all tables', p.pubname::text FROM pg_publication p WHERE p.puballtables
UNION
SELECT 'invalid-index', r.name, ic.relname::text
  FROM relation r
  JOIN pg_index x ON x.indrelid = r.oid AND NOT x.indisvalid
  JOIN pg_class ic ON ic.oid = x.indexrelid AND ic.relkind = 'i'
 WHERE r.side = 'referencing'
   AND EXISTS (SELECT 1 FROM pg_attribute a
                WHERE a.attrelid = r.oid AND a.attnum = ANY (x.indkey::int2[])
                  AND :'column_names'::jsonb ? a.attname::text)
UNION
SELECT 'broken-children', r.name, format('%s child constraints instead of %s', n.children, n.partitions)
  FROM parent p
  JOIN relation r ON r.oid = p.conrelid AND r.side = 'referencing'
 CROSS JOIN LATERAL (
       SELECT (SELECT count(*) FROM pg_constraint c WHERE c.conparentid = p.oid) AS children,
              (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = p.conrelid)
                + (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = p.confrelid) AS partitions) n
 WHERE n.children <> n.partitions AND p.conrelid <> p.confrelid
 ORDER BY 1, 2, 3
:end
