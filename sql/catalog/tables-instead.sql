-- Which tables a person may have meant who named one that has no foreign key of its own to migrate: the root of a partition, where
-- that has one (is_root), and the partitioned tables that reference it, by a parent FK or by pair FKs. Only those on which this role
-- has a right.
--
-- Reads only; takes no lock except ACCESS SHARE on the catalogs. constraints: the parent FKs that are meant; parent_keys: how many
-- the table has to partitioned tables, whichever they are.
-- not null: is_root, table_name, constraints, parent_keys
-- types: constraints string[]
:begin
WITH RECURSIVE above AS (
  SELECT :'table_oid'::oid AS oid, 0 AS height
  UNION ALL
  SELECT i.inhparent, a.height + 1
    FROM above a JOIN pg_class c ON c.oid = a.oid AND c.relispartition JOIN pg_inherits i ON i.inhrelid = a.oid
), root AS (
  SELECT a.oid FROM above a ORDER BY a.height DESC LIMIT 1
), below AS (
  SELECT r.oid FROM root r
  UNION ALL
  SELECT i.inhrelid FROM below b JOIN pg_class c ON c.oid = b.oid AND c.relkind = 'p' JOIN pg_inherits i ON i.inhparent = b.oid
), up AS (
  SELECT k.conrelid AS oid FROM pg_constraint k JOIN below b ON b.oid = k.confrelid WHERE k.contype = 'f'
  UNION
  SELECT i.inhparent FROM up u JOIN pg_class c ON c.oid = u.oid AND c.relispartition JOIN pg_inherits i ON i.inhrelid = u.oid
), meant AS (
  SELECT false AS is_root, u.oid FROM up u
   WHERE u.oid <> (SELECT r.oid FROM root r)
  UNION ALL
  SELECT true, r.oid FROM root r
   WHERE r.oid <> :'table_oid'::oid
     AND EXISTS (SELECT FROM pg_constraint k
                   JOIN below b ON b.oid = k.conrelid
                   JOIN pg_class o ON o.oid = k.confrelid AND (o.relkind = 'p' OR o.relispartition)
                  WHERE k.contype = 'f' AND (k.conrelid = r.oid OR o.relispartition))
)
SELECT m.is_root, format('%I.%I', n.nspname, c.relname) AS table_name,
       (SELECT coalesce(jsonb_agg(k.conname ORDER BY k.conname), '[]')
          FROM pg_constraint k JOIN pg_class o ON o.oid = k.confrelid AND o.relkind = 'p'
         WHERE k.conrelid = m.oid AND k.contype = 'f' AND k.conparentid = 0
           AND (m.is_root OR k.confrelid IN (SELECT b.oid FROM below b))) AS constraints,
       (SELECT count(*)::int
          FROM pg_constraint k JOIN pg_class o ON o.oid = k.confrelid AND o.relkind = 'p'
         WHERE k.conrelid = m.oid AND k.contype = 'f' AND k.conparentid = 0) AS parent_keys
  FROM meant m
  JOIN pg_class c ON c.oid = m.oid AND c.relkind = 'p' AND NOT c.relispartition
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE has_schema_privilege(n.oid, 'USAGE')
   AND (has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
 ORDER BY m.is_root DESC, n.nspname, c.relname
 LIMIT 20
:end
