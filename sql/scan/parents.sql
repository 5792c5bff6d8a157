-- What is known of the parent FKs of :'constraints' (oids), read once for all of them. One row for each that exists:
--   questions  names of files of sql/ that may find an error there. One that is not named would find none; one that is named may find none
--   indexes    of the referencing table, unless that is a partition: `parts`, the leaf partitions with a valid part of the index. `keys`: by how
--              many columns a unique index is unique; null of others
--   bare       leaf partitions of the referencing table, and others below it, that have no valid index at all
--
-- So a scan asks about single foreign keys, pairs and indexes only where the answer is not known from here. It reads what the questions read,
-- without what only makes them find less. Change it with them:
--   findings/disabled-trigger       a trigger of the foreign key that does not fire, or for a replica only
--   findings/leaf-owner-code        two owners in the tree of a table
--   findings/leaf-owner-privilege   an owner without a right: on its partition, whose rights are NULL where they were never changed; on its schema;
--                                   or any owner without one that the comparison of the keys needs
--   findings/partition-persistence  a table that is not permanent
--   findings/pending-detach         a partition whose DETACH is pending
--   findings/referenced-key         a referenced leaf partition without a usable part of the index that the foreign key depends on. Such a part
--                                   has the columns of that index, which are the referenced ones
--   findings/row-security           a table with row security
--   findings/rule                   a table with a rule
--   findings/trigger-after-guard    a BEFORE UPDATE row trigger that sorts after the guard
--   checks/hazards                  for its errors only: a leaf partition without the two triggers of the foreign key (broken-children), or a
--                                   second foreign key with the same definition (identical-foreign-key)
--
-- The planner cannot know how many partitions there are: run it with enable_nestloop = off. Its number of scans is constant. Reads pg_catalog
-- only, opens no table, and takes no lock on any.
-- not null: constraint_oid, questions, indexes, bare
-- types: questions string[], indexes TableIndex[], bare number[]
:begin
WITH RECURSIVE fk AS MATERIALIZED (
  SELECT c.*
    FROM jsonb_array_elements_text(:'constraints'::jsonb) x(oid)
   -- conenforced is a column of 18+: before, its name is that of the column of `missing`.
   CROSS JOIN (VALUES (true)) missing(conenforced)
   CROSS JOIN LATERAL (
         SELECT k.oid, k.conrelid, k.confrelid, k.conindid, k.conpfeqop, conenforced AS enforced
           FROM pg_constraint k WHERE k.oid = x.oid::oid) c
), index AS MATERIALIZED (
  -- Of the referencing tables; not of those that are partitions themselves, whose own bounds count for the rule.
  SELECT x.indrelid AS oid, x.indexrelid, c.relname,
         CASE WHEN x.indisunique
              THEN (SELECT count(DISTINCT k.attnum) FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(attnum, n) WHERE k.n <= x.indnkeyatts AND k.attnum > 0) END AS keys
    FROM (SELECT DISTINCT f.conrelid AS oid FROM fk f) t
    JOIN pg_class r ON r.oid = t.oid AND NOT r.relispartition
    JOIN pg_index x ON x.indrelid = t.oid
    JOIN pg_class c ON c.oid = x.indexrelid
), below AS MATERIALIZED (
  -- Tables and indexes, with all that is below them.
  SELECT t.oid AS top, t.oid AS relation
    FROM (SELECT f.conrelid AS oid FROM fk f UNION SELECT f.confrelid FROM fk f UNION SELECT f.conindid FROM fk f UNION SELECT i.indexrelid FROM index i) t
  UNION ALL
  SELECT b.top, i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.relation
), member AS MATERIALIZED (
  SELECT b.top, c.oid, c.relkind, c.relowner, c.relnamespace FROM below b JOIN pg_class c ON c.oid = b.relation AND c.relkind IN ('r', 'p', 'f')
), derived AS MATERIALIZED (
  SELECT f.oid AS fk, f.oid, f.conrelid, f.confrelid FROM fk f
  UNION ALL
  SELECT d.fk, c.oid, c.conrelid, c.confrelid FROM derived d JOIN pg_constraint c ON c.conparentid = d.oid
), fired AS MATERIALIZED (
  SELECT d.fk, d.conrelid, d.confrelid, g.tgrelid, g.triggers, g.disabled
    FROM derived d
    JOIN (SELECT t.tgconstraint, t.tgrelid, count(*) AS triggers, bool_or(t.tgenabled NOT IN ('O', 'A')) AS disabled
            FROM pg_trigger t WHERE t.tgconstraint <> 0 GROUP BY t.tgconstraint, t.tgrelid) g ON g.tgconstraint = d.oid
), checked AS (
  SELECT f.oid AS fk, 'referencing' AS side, d.tgrelid AS leaf
    FROM fired d JOIN fk f ON f.oid = d.fk
   WHERE d.triggers >= 2 AND d.conrelid = d.tgrelid AND d.confrelid = f.confrelid
  UNION ALL
  SELECT f.oid, 'referenced', d.tgrelid
    FROM fired d JOIN fk f ON f.oid = d.fk
   WHERE d.triggers >= 2 AND d.confrelid = d.tgrelid AND d.conrelid = f.conrelid
), leaf AS MATERIALIZED (
  SELECT f.oid AS fk, f.enforced, 'referencing' AS side, m.oid FROM fk f JOIN member m ON m.top = f.conrelid AND m.relkind = 'r'
  UNION ALL
  SELECT f.oid, f.enforced, 'referenced', m.oid FROM fk f JOIN member m ON m.top = f.confrelid AND m.relkind = 'r'
), twin AS MATERIALIZED (
  SELECT f.oid AS fk, o.oid AS other
    FROM fk f
    JOIN pg_constraint o ON o.confrelid = f.confrelid AND o.contype = 'f' AND o.conparentid = 0 AND o.oid <> f.oid
    JOIN member m ON m.top = f.conrelid AND m.oid = o.conrelid
), key AS (
  SELECT b.top AS index, x.indrelid AS leaf
    FROM below b
    JOIN pg_index x ON x.indexrelid = b.relation
   WHERE x.indisunique AND x.indimmediate AND x.indisvalid AND x.indislive AND x.indpred IS NULL AND x.indexprs IS NULL
), remarkable AS MATERIALIZED (
  -- Of the whole database; there are few.
  SELECT w.ev_class AS oid, 'findings/rule' AS question FROM pg_rewrite w
  UNION
  SELECT t.tgrelid, 'findings/trigger-after-guard'
    FROM pg_trigger t
   WHERE t.tgenabled <> 'D' AND (t.tgtype & 19) = 19 AND t.tgname::text COLLATE "C" > '~p2pfk_row_movement_guard_'
  UNION
  -- inhdetachpending is a column of 14+.
  SELECT i.inhrelid, 'findings/pending-detach'
    FROM (VALUES (false)) missing(inhdetachpending)
   CROSS JOIN LATERAL (SELECT h.inhrelid, inhdetachpending AS pending FROM pg_inherits h) i
   WHERE i.pending
  UNION
  SELECT c.oid, q.question
    FROM pg_class c
   CROSS JOIN LATERAL (VALUES ('findings/partition-persistence', c.relpersistence <> 'p'), ('findings/row-security', c.relrowsecurity)) q(question, found)
   WHERE (c.relpersistence <> 'p' OR c.relrowsecurity) AND q.found
  UNION
  SELECT c.oid, 'findings/leaf-owner-privilege'
    FROM pg_class c
   WHERE c.relkind = 'r' AND c.relacl IS NOT NULL
     AND NOT (has_table_privilege(c.relowner, c.oid, 'SELECT') AND has_table_privilege(c.relowner, c.oid, 'UPDATE')
              AND has_table_privilege(c.relowner, c.oid, 'DELETE'))
), owner AS MATERIALIZED (
  SELECT m.top, m.relowner AS role, m.relnamespace AS schema FROM member m GROUP BY 1, 2, 3
), barred AS (
  -- Owners that may not compare keys.
  SELECT p.oid AS operator
    FROM (SELECT DISTINCT u.oid FROM fk f CROSS JOIN LATERAL unnest(f.conpfeqop) u(oid)) u
    JOIN pg_operator p ON p.oid = u.oid
    LEFT JOIN pg_type l ON l.oid = p.oprleft
    LEFT JOIN pg_type r ON r.oid = p.oprright
   CROSS JOIN (SELECT DISTINCT o.role FROM owner o) o
   WHERE NOT has_function_privilege(o.role, p.oprcode::oid, 'EXECUTE') OR NOT has_schema_privilege(o.role, p.oprnamespace, 'USAGE')
      OR NOT has_schema_privilege(o.role, l.typnamespace, 'USAGE') OR NOT has_schema_privilege(o.role, r.typnamespace, 'USAGE')
), found AS (
  SELECT m.top, r.question FROM member m JOIN remarkable r ON r.oid = m.oid
  UNION
  SELECT o.top, 'findings/leaf-owner-privilege' FROM owner o WHERE NOT has_schema_privilege(o.role, o.schema, 'USAGE')
  UNION
  SELECT o.top, 'findings/leaf-owner-code' FROM owner o GROUP BY o.top HAVING count(DISTINCT o.role) > 1
), worth AS (
  SELECT f.oid AS fk, n.question FROM fk f JOIN found n ON n.top = f.conrelid
  UNION
  SELECT f.oid, n.question FROM fk f JOIN found n ON n.top = f.confrelid
  UNION
  SELECT d.fk, 'findings/disabled-trigger' FROM fired d WHERE d.disabled
  UNION
  SELECT f.oid, 'findings/leaf-owner-privilege' FROM fk f WHERE f.conpfeqop && (SELECT array_agg(b.operator) FROM barred b)
  UNION
  SELECT l.fk, 'findings/referenced-key'
    FROM leaf l
    JOIN fk f ON f.oid = l.fk
    LEFT JOIN key k ON k.index = f.conindid AND k.leaf = l.oid
   WHERE l.side = 'referenced' AND k.leaf IS NULL
  UNION
  SELECT l.fk, 'checks/hazards'
    FROM leaf l
    LEFT JOIN checked k ON k.fk = l.fk AND k.side = l.side AND k.leaf = l.oid
   WHERE l.enforced AND k.leaf IS NULL
  UNION
  SELECT t.fk, 'checks/hazards'
    FROM twin t
   WHERE regexp_replace(pg_get_constraintdef(t.other), ' NOT VALID$', '') = regexp_replace(pg_get_constraintdef(t.fk), ' NOT VALID$', '')
), asked AS (
  SELECT w.fk, jsonb_agg(w.question ORDER BY w.question) AS questions FROM worth w GROUP BY w.fk
), usable AS MATERIALIZED (
  SELECT x.indexrelid, x.indrelid FROM pg_index x WHERE x.indisvalid AND x.indisready AND x.indislive
), parts AS (
  SELECT b.top AS index, jsonb_agg(u.indrelid::bigint) AS leaves FROM below b JOIN usable u ON u.indexrelid = b.relation GROUP BY b.top
), indexed AS (
  SELECT i.oid, jsonb_agg(jsonb_build_object('name', i.relname, 'keys', i.keys, 'parts', coalesce(p.leaves, '[]'))) AS indexes
    FROM index i LEFT JOIN parts p ON p.index = i.indexrelid
   GROUP BY i.oid
), bare AS (
  SELECT m.top AS oid, jsonb_agg(m.oid::bigint) AS leaves
    FROM (SELECT DISTINCT f.conrelid AS oid FROM fk f) t
    JOIN member m ON m.top = t.oid
    LEFT JOIN (SELECT DISTINCT u.indrelid FROM usable u) u ON u.indrelid = m.oid
   WHERE u.indrelid IS NULL
   GROUP BY m.top
)
SELECT f.oid AS constraint_oid, coalesce(a.questions, '[]') AS questions, coalesce(i.indexes, '[]') AS indexes, coalesce(b.leaves, '[]') AS bare
  FROM fk f
  LEFT JOIN asked a ON a.fk = f.oid
  LEFT JOIN indexed i ON i.oid = f.conrelid
  LEFT JOIN bare b ON b.oid = f.conrelid
:end
