-- A fingerprint of the catalog rows that the drop check reads, computed before the locks of the drop and again under them: while it is
-- the same, the results from before the locks are still right. docs/architecture.md ("What the drop relies on") has the reasoning.
--
--   before          of all of these rows
--   after           of those that remain when the parent FK (:'constraint_oid') is dropped: the same before and after the drop
--   parent_exists   whether the parent FK exists
--
-- A row is represented by its oid and its xmin. A transaction that changes a row writes a new version of it, with its own id as xmin, so
-- a trigger that was disabled and enabled again, or a constraint that was created again with the same name, makes a difference. VACUUM
-- FREEZE keeps xmin (since 9.4), and so do VACUUM FULL and CLUSTER of a catalog. What PostgreSQL changes in place, without a new xmin
-- (pg_class: reltuples, relpages, relallvisible, relhasindex, relhasrules, relhastriggers, relfrozenxid, relminmxid; in 13 pg_index:
-- indisvalid, indisready, indislive), decides the result of no check that this replaces.
--
-- It runs under the locks, so it must be fast. Each lookup is an index scan (OFFSET 0), however many rows the planner expects: the time
-- grows with the number of pairs, and not with the rest of the catalog. The rows are not sorted, because the same query plan finds them
-- in the same order; a different order counts as a change, and costs only time.
-- not null: before, after, parent_exists
:begin
WITH RECURSIVE tree AS (
  SELECT s.side, s.oid, 0::oid AS parent, '0'::xid AS attached, c.xmin AS version, 'p'::"char" AS relkind, c.relnamespace, c.relowner
    FROM (VALUES (1, :'referencing_oid'::oid), (2, :'referenced_oid'::oid)) s(side, oid)
    JOIN pg_class c ON c.oid = s.oid
  UNION ALL
  SELECT t.side, i.inhrelid, t.oid, i.xmin, c.*
    FROM tree t
   CROSS JOIN LATERAL (SELECT i.inhrelid, i.xmin FROM pg_inherits i WHERE i.inhparent = t.oid OFFSET 0) i
   CROSS JOIN LATERAL (SELECT c.xmin, c.relkind, c.relnamespace, c.relowner FROM pg_class c WHERE c.oid = i.inhrelid OFFSET 0) c
   WHERE t.relkind = 'p'
), relation AS MATERIALIZED (
  SELECT * FROM tree
), own AS MATERIALIZED (
  SELECT k.oid, k.version, k.conparentid = 0 AND k.oid IS DISTINCT FROM nullif(:'constraint_oid'::text, '')::oid AS stays
    FROM relation r
   CROSS JOIN LATERAL (SELECT k.oid, k.xmin AS version, k.conparentid FROM pg_constraint k WHERE k.conrelid = r.oid OFFSET 0) k
   WHERE r.side = 1
), trigger AS MATERIALIZED (
  SELECT g.oid, g.version, g.tgfoid, g.tgconstraint = 0 OR g.tgconstraint IN (SELECT o.oid FROM own o WHERE o.stays) AS stays
    FROM relation r
   CROSS JOIN LATERAL (SELECT g.oid, g.xmin AS version, g.tgfoid, g.tgconstraint FROM pg_trigger g WHERE g.tgrelid = r.oid OFFSET 0) g
), parted AS (
  SELECT r.oid, p.version, p.partclass, p.partcollation
    FROM relation r
   CROSS JOIN LATERAL (SELECT p.xmin AS version, p.partclass, p.partcollation FROM pg_partitioned_table p WHERE p.partrelid = r.oid OFFSET 0) p
   WHERE r.relkind = 'p'
), class AS (
  SELECT DISTINCT o.oid, o.xmin AS version, o.opcfamily
    FROM parted p CROSS JOIN LATERAL unnest(p.partclass::oid[]) u(oid) JOIN pg_opclass o ON o.oid = u.oid
), col AS (
  SELECT a.attrelid, a.attnum, a.xmin AS version, a.atttypid
    FROM parted p JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum > 0
), equals AS (
  SELECT DISTINCT o.oid, o.xmin AS version, o.oprcode, o.oprnamespace, o.oprleft, o.oprright
    FROM pg_constraint k CROSS JOIN LATERAL unnest(k.conpfeqop) u(oid) JOIN pg_operator o ON o.oid = u.oid
   WHERE k.oid = nullif(:'constraint_oid'::text, '')::oid
), other(kind, one, two, version, stays) AS (
  SELECT 1, p.oid, 0::oid, xidsend(p.version), true FROM parted p
  UNION ALL SELECT 2, c.oid, 0::oid, xidsend(c.version), true FROM class c
  UNION ALL SELECT 3, f.oid, 0::oid, xidsend(f.xmin), true FROM (SELECT DISTINCT c.opcfamily AS oid FROM class c) c JOIN pg_opfamily f ON f.oid = c.oid
  UNION ALL SELECT 4, c.oid, 0::oid, xidsend(c.xmin), true
              FROM (SELECT DISTINCT u.oid FROM parted p CROSS JOIN LATERAL unnest(p.partcollation::oid[]) u(oid)) u JOIN pg_collation c ON c.oid = u.oid
  UNION ALL SELECT 5, c.attrelid, c.attnum::int::oid, xidsend(c.version), true FROM col c
  UNION ALL SELECT 6, t.oid, 0::oid, xidsend(t.xmin), true FROM (SELECT DISTINCT c.atttypid AS oid FROM col c) c JOIN pg_type t ON t.oid = c.oid
  UNION ALL SELECT 7, n.oid, 0::oid, xidsend(n.xmin), true FROM (SELECT DISTINCT r.relnamespace AS oid FROM relation r) r JOIN pg_namespace n ON n.oid = r.oid
  UNION ALL SELECT 8, f.oid, 0::oid, xidsend(f.xmin), true FROM (SELECT DISTINCT g.tgfoid AS oid FROM trigger g WHERE g.stays) g JOIN pg_proc f ON f.oid = g.oid
  -- Of the parent FK: the functions of its triggers, its operators, and what is needed to name and to call these.
  UNION ALL SELECT 9, f.oid, 0::oid, xidsend(f.xmin), false FROM (SELECT DISTINCT g.tgfoid AS oid FROM trigger g WHERE NOT g.stays) g JOIN pg_proc f ON f.oid = g.oid
  UNION ALL SELECT 10, o.oid, 0::oid, xidsend(o.version), false FROM equals o
  UNION ALL SELECT 11, f.oid, 0::oid, xidsend(f.xmin), false FROM equals o JOIN pg_proc f ON f.oid = o.oprcode
  UNION ALL SELECT 12, n.oid, 0::oid, xidsend(n.xmin), false
              FROM (SELECT o.oprnamespace AS oid FROM equals o
                    UNION SELECT t.typnamespace FROM equals o JOIN pg_type t ON t.oid IN (o.oprleft, o.oprright)) x JOIN pg_namespace n ON n.oid = x.oid
  -- pg_authid, which has the xmin, is for superusers.
  UNION ALL SELECT 13, o.oid, 0::oid, boolsend(o.rolsuper) || boolsend(o.rolinherit) || boolsend(o.rolbypassrls), true
              FROM pg_roles o WHERE o.oid IN (SELECT r.relowner FROM relation r) OR o.rolname = current_user
  UNION ALL SELECT 14, m.roleid, m.member, xidsend(m.xmin), true FROM pg_auth_members m
  UNION ALL SELECT 15, d.oid, d.datdba, '', true FROM pg_database d WHERE d.datname = current_database()
), part(n, before, after) AS (
  SELECT 1, b.line, b.line
    FROM (SELECT string_agg(oidsend(r.oid) || oidsend(r.parent) || xidsend(r.attached) || xidsend(r.version), '') AS line FROM relation r) b
  UNION ALL
  SELECT 2, string_agg(o.line, ''), string_agg(o.line, '') FILTER (WHERE o.stays)
    FROM (SELECT oidsend(o.oid) || xidsend(o.version) AS line, o.stays FROM own o) o
  UNION ALL
  SELECT 3, string_agg(g.line, ''), string_agg(g.line, '') FILTER (WHERE g.stays)
    FROM (SELECT oidsend(g.oid) || xidsend(g.version) AS line, g.stays FROM trigger g) g
  UNION ALL
  SELECT 4, string_agg(o.line, '' ORDER BY o.line), string_agg(o.line, '' ORDER BY o.line) FILTER (WHERE o.stays)
    FROM (SELECT int4send(o.kind) || oidsend(o.one) || oidsend(o.two) || o.version AS line, o.stays FROM other o) o
)
SELECT encode(sha256(string_agg(sha256(coalesce(p.before, '')), '' ORDER BY p.n)), 'hex') AS before,
       encode(sha256(string_agg(sha256(coalesce(p.after, '')), '' ORDER BY p.n)), 'hex') AS after,
       EXISTS (SELECT FROM pg_constraint k WHERE k.oid = nullif(:'constraint_oid'::text, '')::oid) AS parent_exists
  FROM part p
:end
