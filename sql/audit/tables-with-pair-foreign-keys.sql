-- Partitioned tables of which some leaf has its own foreign key to a leaf of a partitioned table: migrated tables, as far as the
-- catalog shows without a ledger.
--
-- `stranger`: the first role, by name, that owns the table, a partition of it or one of a table referenced like that, and may not
-- become the login. It can change them between any two of our statements, so that reading a row, or planning to, could run its
-- code. NULL: there is none.
-- not null: table_oid, table_name
WITH RECURSIVE pair AS MATERIALIZED (
  SELECT DISTINCT c.conrelid AS referencing, c.confrelid AS referenced
    FROM pg_constraint c
    JOIN pg_class a ON a.oid = c.conrelid AND a.relispartition AND a.relkind = 'r'
    JOIN pg_class b ON b.oid = c.confrelid AND b.relispartition AND b.relkind = 'r'
   WHERE c.contype = 'f' AND c.conparentid = 0
), up AS (
  SELECT x.leaf, x.leaf AS oid
    FROM (SELECT p.referencing AS leaf FROM pair p UNION SELECT p.referenced FROM pair p) x
  UNION
  SELECT u.leaf, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid
), root AS MATERIALIZED (
  SELECT u.leaf, u.oid FROM up u JOIN pg_class r ON r.oid = u.oid AND NOT r.relispartition
), tree AS MATERIALIZED (
  -- Each table with itself and what it references.
  SELECT DISTINCT a.oid AS table_oid, x.oid
    FROM pair p
    JOIN root a ON a.leaf = p.referencing
    JOIN root b ON b.leaf = p.referenced
   CROSS JOIN LATERAL (VALUES (a.oid), (b.oid)) x(oid)
), down AS (
  SELECT t.oid AS root, t.oid FROM (SELECT DISTINCT oid FROM tree) t
  UNION ALL
  SELECT d.root, i.inhrelid FROM down d JOIN pg_inherits i ON i.inhparent = d.oid
), owner AS MATERIALIZED (
  SELECT DISTINCT d.root, c.relowner
    FROM down d JOIN pg_class c ON c.oid = d.oid
), stranger AS MATERIALIZED (
  SELECT o.root, min(pg_get_userbyid(o.relowner)::text) AS name
    FROM owner o
   WHERE (pg_get_userbyid(o.relowner)::text = ANY (string_to_array(current_setting('p2pfk.trusted_owners', true), ','))) IS NOT TRUE
     AND NOT pg_has_role(o.relowner, session_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
   GROUP BY o.root
)
SELECT r.oid AS table_oid, format('%I.%I', n.nspname, r.relname) AS table_name, min(s.name) AS stranger
  FROM tree t
  JOIN pg_class r ON r.oid = t.table_oid
  JOIN pg_namespace n ON n.oid = r.relnamespace
  LEFT JOIN stranger s ON s.root = t.oid
 GROUP BY r.oid, n.nspname, r.relname
 ORDER BY 2;
