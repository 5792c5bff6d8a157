-- Two foreign keys between the two tables. The effects of a DELETE or UPDATE of a referenced row run in the order of the
-- triggers' names, which end in oids: the older foreign key first. If that one deletes or changes the referencing row and the
-- other one would refuse, the other one finds nothing. A pair FK is younger, and so is a parent FK that a rollback adds again:
-- then the other one runs first and refuses. A deferred check runs last in any case.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE referencing AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION
  SELECT i.inhrelid FROM referencing r JOIN pg_inherits i ON i.inhparent = r.oid
), family AS (
  SELECT c.oid AS root, c.oid, c.conname, c.conrelid, c.confdeltype, c.confupdtype, c.condeferred
    FROM pg_constraint c
    JOIN referencing r ON r.oid = c.conrelid
   WHERE c.contype = 'f' AND c.conparentid = 0
  UNION ALL
  SELECT f.root, c.oid, f.conname, f.conrelid, f.confdeltype, f.confupdtype, f.condeferred
    FROM family f JOIN pg_constraint c ON c.conparentid = f.oid
), action AS (
  SELECT f.root, f.conname, f.conrelid, g.tgrelid, g.tgname::text COLLATE "C" AS tgname, e.event, e.action,
         e.action = 'a' AND f.condeferred AS comes_last
    FROM (SELECT DISTINCT p.referenced_oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referenced_oid oid)) leaf
    JOIN pg_trigger g ON g.tgrelid = leaf.referenced_oid
    JOIN family f ON f.oid = g.tgconstraint
   CROSS JOIN LATERAL (VALUES ('DELETE', 8, f.confdeltype), ('UPDATE', 16, f.confupdtype)) e(event, bit, action)
   WHERE g.tgtype & e.bit <> 0 AND g.tgname LIKE 'RI\_ConstraintTrigger\_a\_%'
), changed AS (
  SELECT DISTINCT o.event, format('%I on %s', o.conname, o.conrelid::regclass) AS name,
         format('ALTER TABLE %s DROP CONSTRAINT %I', o.conrelid::regclass, o.conname) AS remedy
    FROM action p
    JOIN action o ON o.tgrelid = p.tgrelid AND o.event = p.event AND o.root <> p.root AND o.action <> p.action
                 AND (o.action IN ('c', 'n', 'd') OR p.action IN ('c', 'n', 'd')) AND NOT o.comes_last AND NOT p.comes_last
                 AND p.tgname < o.tgname
   WHERE p.root = nullif(:'constraint_oid'::text, '')::oid
)
SELECT 'foreign-key-order' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('another foreign key between the two tables acts after this one, and will act before it: %s; where both reference the same row, a %s that works today can be refused, or the other way round',
              string_agg(DISTINCT name, ', '), string_agg(DISTINCT event, ' or ')) AS message,
       format('after the migration (and after a rollback of it) drop the other foreign key and add it again, or migrate it as well: it then acts last again (%s; ...)',
              string_agg(DISTINCT remedy, '; ')) AS remedy
  FROM changed
HAVING count(*) > 0
:end
