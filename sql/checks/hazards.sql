-- Hazards of the two tables: what may block the migration, or behave differently than expected. One row for each.
--   wraparound-vacuum   an autovacuum that no lock request cancels works on a partition now
--   unchecked-writes    sessions for which no foreign key fires: a subscription that fills the tables, or a role, a database or a
--                       server whose sessions begin with session_replication_role = replica
--   probe-trigger       triggers of the application that the DELETE probe would fire: it executes no DELETE on such a pair
--   publication         the tables are published: DDL is not replicated, and a subscriber keeps its own foreign keys
--   invalid-index       an index on the FK's columns is INVALID and is used by no query
--   broken-children     the parent FK has no enforced child constraint on some leaf (bugs of old minor versions leave that)
--   unenforced-foreign-key  the same for another FK to the referenced table, for example of a partition which was detached
--   identical-foreign-key   another FK with the same definition: it would still exist when the parent FK is dropped
--   child-constraint    what a rollback after the drop does not restore: a comment on a child of the parent FK, and the name
--                       of one on a partition that is partitioned itself, or that references a partition of one; PostgreSQL names
--                       those, and refuses to rename them
-- not null: kind, relation, detail
-- types: kind Hazard
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
), target AS (
  SELECT c.oid, c.conname, c.conrelid, c.confrelid, c.oid = p.oid AS is_parent,
         coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) AS enforced  -- column of 18+
    FROM parent p
    JOIN pg_constraint c ON c.confrelid = p.confrelid AND c.contype = 'f' AND c.conparentid = 0
), derived AS (
  SELECT t.oid AS target, t.oid, t.conrelid, t.confrelid FROM target t
  UNION ALL
  SELECT d.target, c.oid, c.conrelid, c.confrelid FROM derived d JOIN pg_constraint c ON c.conparentid = d.oid
), member AS (
  SELECT t.oid AS target, s.side, s.root AS oid
    FROM target t
   CROSS JOIN LATERAL (VALUES ('referencing', t.conrelid), ('referenced', t.confrelid)) s(side, root)
  UNION ALL
  SELECT m.target, m.side, i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), unenforced AS (
  -- PostgreSQL checks rows by two triggers on each referencing leaf, and two on each referenced leaf.
  SELECT m.target, m.oid
    FROM member m
    JOIN target t ON t.oid = m.target AND t.enforced
    JOIN pg_class c ON c.oid = m.oid AND c.relkind = 'r'
   WHERE NOT EXISTS (SELECT 1
                       FROM derived d
                      WHERE d.target = m.target
                        AND d.conrelid = CASE m.side WHEN 'referencing' THEN m.oid ELSE t.conrelid END
                        AND d.confrelid = CASE m.side WHEN 'referencing' THEN t.confrelid ELSE m.oid END
                        AND (SELECT count(*) FROM pg_trigger g WHERE g.tgconstraint = d.oid AND g.tgrelid = m.oid) >= 2)
)
SELECT 'wraparound-vacuum' AS kind, r.name AS relation, a.query AS detail
  FROM pg_stat_activity a
  JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'relation'
  JOIN relation r ON r.oid = l.relation
 WHERE a.backend_type = 'autovacuum worker' AND a.query LIKE '%(to prevent wraparound)%'
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION
SELECT 'probe-trigger', r.name, g.tgname::text
  FROM relation r
  JOIN pg_trigger g ON g.tgrelid = r.oid AND g.tgenabled <> 'D'  -- not tgisinternal: see delete-probe.sql
 WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.oid = g.tgconstraint AND c.contype <> 't')
   AND r.relkind = 'r' AND g.tgtype & CASE r.side WHEN 'referenced' THEN 8 ELSE 24 END <> 0
UNION
SELECT 'publication', min(r.name), p.pubname::text
  FROM pg_publication_tables p
  JOIN relation r ON r.name = format('%I.%I', p.schemaname, p.tablename)
 GROUP BY p.pubname
UNION
SELECT 'unchecked-writes', r.name, 'filled by a subscription'
  FROM relation r
  JOIN pg_subscription_rel s ON s.srrelid = r.oid
UNION
SELECT 'unchecked-writes', w.who, 'session_replication_role = ' || substr(c.setting, length('session_replication_role=') + 1)
  FROM pg_db_role_setting s
 CROSS JOIN LATERAL unnest(s.setconfig) c(setting)
 CROSS JOIN LATERAL (SELECT concat_ws(' in ', CASE WHEN s.setrole <> 0 THEN 'role ' || s.setrole::regrole END,
                                      CASE WHEN s.setdatabase <> 0 THEN 'database ' || current_database() END) AS who) w
 WHERE c.setting LIKE 'session\_replication\_role=%' AND c.setting <> 'session_replication_role=origin'
   AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
UNION
-- The default with which our session began, as those of all logins do where it is the server's: session.sql has set it to origin since, where
-- the role may.
SELECT 'unchecked-writes', 'this session', 'session_replication_role = ' || s.reset_val
  FROM pg_show_all_settings() s
 WHERE s.name = 'session_replication_role' AND s.reset_val <> 'origin'
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
SELECT CASE WHEN t.is_parent THEN 'broken-children' ELSE 'unenforced-foreign-key' END,
       format('%I.%I', n.nspname, c.relname), format('%s of %s', t.conname, t.conrelid::regclass)
  FROM unenforced u
  JOIN target t ON t.oid = u.target
  JOIN pg_class c ON c.oid = u.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
UNION
SELECT 'identical-foreign-key', r.name, t.conname::text
  FROM target t
  JOIN relation r ON r.oid = t.conrelid AND r.side = 'referencing'
 WHERE NOT t.is_parent AND regexp_replace(pg_get_constraintdef(t.oid), ' NOT VALID$', '') = :'definition'::text
UNION
SELECT 'child-constraint', r.name,
       concat_ws(', ', format('constraint %s', c.conname),
                 CASE WHEN obj_description(c.oid, 'pg_constraint') IS NOT NULL THEN 'with a comment' END)
  FROM target t
  JOIN derived d ON d.target = t.oid AND d.oid <> t.oid
  JOIN pg_constraint c ON c.oid = d.oid
  JOIN relation r ON r.oid = c.conrelid AND r.side = 'referencing'
 WHERE t.is_parent
   AND (obj_description(c.oid, 'pg_constraint') IS NOT NULL
        OR c.confrelid = t.confrelid AND r.relkind = 'p' AND c.conname <> t.conname
        OR c.confrelid <> t.confrelid AND c.conparentid <> t.oid)
 ORDER BY 1, 2, 3
:end
