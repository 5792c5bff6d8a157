-- Code that reading these tables and comparing their keys would run with the rights of this session, though its owner has not got them: one
-- row for each function, or type whose owner decides by which function it is cast. No row: only PostgreSQL's own code, that of
-- superusers, and that of roles which are members of the role that has logged in. Reads only; runs none of it.
--
-- The statements of the application run it as the owner of a table (referential integrity) or as whoever writes the row. VALIDATE, the
-- counts of orphans and the comparison of bounds run it as this role: from such a function its owner could do what this role can, also
-- after SET ROLE, which RESET ROLE undoes. That is why session_user is asked about.
-- What is looked at: the operators of the foreign keys between the two tables and their partitions; operator classes of the types of
-- their keys and of the partition keys, with the types that these are made of; casts; functions in partition keys; and functions in
-- indexes, CHECK constraints and extended statistics that may be called with constants alone, because the planner evaluates such a
-- call as soon as anybody reads the table (checked on 13 and 18).
:begin
WITH RECURSIVE member AS (
  SELECT s.side, s.oid FROM (VALUES ('referencing', :'referencing_oid'::oid), ('referenced', :'referenced_oid'::oid)) s(side, oid)
  UNION
  SELECT m.side, i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), compared AS MATERIALIZED (
  SELECT DISTINCT u.operator, a.atttypid AS referencing_type, b.atttypid AS referenced_type
    FROM member m
   CROSS JOIN LATERAL (
         SELECT c.conrelid, c.confrelid, c.conkey, c.confkey, c.conpfeqop
           FROM pg_constraint c WHERE c.conrelid = m.oid AND c.contype = 'f' OFFSET 0) c
   CROSS JOIN LATERAL unnest(c.conkey, c.confkey, c.conpfeqop) u(att, ratt, operator)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.att
    JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = u.ratt
   WHERE m.side = 'referencing'
     -- OFFSET 0 above: by the index. IS TRUE: looked up in a hash table. As joins they may be loops over all partitions for each of them.
     AND (c.confrelid IN (SELECT r.oid FROM member r WHERE r.side = 'referenced')) IS TRUE
), type AS (
  SELECT t.oid FROM compared c CROSS JOIN LATERAL (VALUES (c.referencing_type), (c.referenced_type)) t(oid)
  UNION
  SELECT p.oid
    FROM type y
    JOIN pg_type t ON t.oid = y.oid
   CROSS JOIN LATERAL (
         SELECT t.typbasetype AS oid
         UNION ALL SELECT CASE WHEN t.typlen = -1 THEN t.typelem END
         UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
         UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) p
   WHERE p.oid <> 0
), class AS (
  SELECT o.opcfamily, o.opcintype FROM type y JOIN pg_opclass o ON o.opcintype = y.oid
  UNION
  SELECT o.opcfamily, o.opcintype
    FROM member m
    JOIN pg_partitioned_table p ON p.partrelid = m.oid
   CROSS JOIN LATERAL unnest(p.partclass::oid[]) k(oid)
    JOIN pg_opclass o ON o.oid = k.oid
), cast_used AS (
  -- A domain is compared as the type below it.
  SELECT k.oid, k.castsource, k.casttarget, k.castfunc
    FROM compared c
    JOIN pg_operator o ON o.oid = c.operator
   CROSS JOIN LATERAL (VALUES (c.referenced_type, o.oprleft), (c.referencing_type, o.oprright)) s(source, target)
    JOIN pg_cast k ON k.casttarget = s.target AND k.castmethod <> 'b'
                  AND k.castsource IN (WITH RECURSIVE base AS (
                                         SELECT s.source AS oid
                                         UNION ALL
                                         SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.oid AND t.typbasetype <> 0)
                                       SELECT b.oid FROM base b)
), expression AS (
  SELECT 'pg_class'::regclass AS classid, x.indexrelid AS objid, concat(x.indpred::text, x.indexprs::text) AS tree
    FROM member m JOIN pg_index x ON x.indrelid = m.oid
   WHERE x.indpred IS NOT NULL OR x.indexprs IS NOT NULL
  UNION ALL
  SELECT 'pg_constraint'::regclass, c.oid, c.conbin::text
    FROM member m JOIN pg_constraint c ON c.conrelid = m.oid AND c.contype = 'c'
  UNION ALL
  SELECT 'pg_statistic_ext'::regclass, s.oid, to_jsonb(s) ->> 'stxexprs'  -- column of 14+
    FROM member m JOIN pg_statistic_ext s ON s.stxrelid = m.oid
), code AS (
  SELECT o.oprcode::oid AS oid FROM compared c JOIN pg_operator o ON o.oid = c.operator
  UNION
  SELECT o.oprcode FROM class c JOIN pg_amop x ON x.amopfamily = c.opcfamily AND x.amoplefttype = c.opcintype JOIN pg_operator o ON o.oid = x.amopopr
  UNION
  SELECT x.amproc FROM class c JOIN pg_amproc x ON x.amprocfamily = c.opcfamily AND x.amproclefttype = c.opcintype
  UNION
  SELECT k.castfunc FROM cast_used k WHERE k.castfunc <> 0
  UNION
  SELECT d.refobjid
    FROM member m
    JOIN pg_partitioned_table p ON p.partrelid = m.oid AND p.partexprs IS NOT NULL
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = m.oid AND d.refclassid = 'pg_proc'::regclass
  UNION
  SELECT f.oid
    FROM expression e
    JOIN pg_depend d ON d.classid = e.classid AND d.objid = e.objid AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
    LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
    JOIN pg_proc f ON f.oid = coalesce(o.oprcode, d.refobjid)
    JOIN pg_language l ON l.oid = f.prolang
   -- The planner puts the body of an SQL function in the place of its call, constants and all.
   WHERE e.tree ~ '\{CONST |:args <>' OR l.lanname = 'sql'
), owned AS (
  SELECT format('function %s', f.oid::regprocedure) AS code, f.proowner AS owner, format('ALTER FUNCTION %s OWNER TO', f.oid::regprocedure) AS remedy
    FROM code c JOIN pg_proc f ON f.oid = c.oid
  UNION
  SELECT format('casts of type %s', t.oid::regtype), t.typowner, format('ALTER TYPE %s OWNER TO', t.oid::regtype)
    FROM cast_used k CROSS JOIN LATERAL (VALUES (k.castsource), (k.casttarget)) s(oid) JOIN pg_type t ON t.oid = s.oid
)
SELECT o.code, pg_get_userbyid(o.owner) AS owner, session_user AS session_role, format('%s %I', o.remedy, session_user) AS remedy
  FROM owned o
 WHERE NOT pg_has_role(o.owner, session_user, 'MEMBER')
 ORDER BY o.code
 LIMIT 20
:end
