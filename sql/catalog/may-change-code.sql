-- Whether a role that may not become the login, and that the operator does not trust, could have added code since
-- catalog/untrusted-code.sql was asked: it owns one of these tables, of their partitions, or of the tables above them (an index
-- or a CHECK of those is added to each partition, even one of another owner); or a type of the application is in use, whose
-- owner can add a CHECK to a domain: as the type of a column, or named by an index, a CHECK, extended statistics, a virtual
-- generated column (18) or a partition key, even through a function or an operator (its arguments, their defaults, a body of
-- BEGIN ATOMIC). Fast, so that each step can ask it: only tables that have such expressions are examined in detail.
-- `by_owner`: it owns a table, so that a lock on the table keeps its indexes, CHECK constraints and statistics away.
-- not null: by_owner, may
:begin
WITH RECURSIVE member AS (
  SELECT t.oid FROM (VALUES (:'referencing_oid'::oid), (:'referenced_oid'::oid)) t(oid)
  UNION
  SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), above AS (
  SELECT t.oid FROM (VALUES (:'referencing_oid'::oid), (:'referenced_oid'::oid)) t(oid)
  UNION
  SELECT i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.oid
), touched AS MATERIALIZED (
  SELECT m.oid FROM member m UNION SELECT a.oid FROM above a
), expression AS MATERIALIZED (
  SELECT e.*
    FROM touched t
   CROSS JOIN LATERAL (
         SELECT 'pg_class'::regclass::oid AS classid, x.indexrelid AS objid, concat_ws(' ', x.indexprs::text, x.indpred::text) AS tree
           FROM pg_index x WHERE x.indrelid = t.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
         UNION ALL
         SELECT 'pg_constraint'::regclass, c.oid, c.conbin::text FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype = 'c'
         UNION ALL
         SELECT 'pg_statistic_ext'::regclass, s.oid, to_jsonb(s) ->> 'stxexprs' FROM pg_statistic_ext s WHERE s.stxrelid = t.oid  -- column of 14+
         UNION ALL
         SELECT 'pg_attrdef'::regclass, d.oid, d.adbin::text
           FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          WHERE a.attrelid = t.oid AND a.attnum > 0 AND a.attgenerated = 'v'
         UNION ALL
         SELECT 'pg_class'::regclass, p.partrelid, p.partexprs::text FROM pg_partitioned_table p WHERE p.partrelid = t.oid AND p.partexprs IS NOT NULL
         OFFSET 0) e
), used AS (
  SELECT e.classid, e.objid FROM expression e
  UNION
  SELECT d.refclassid, d.refobjid
    FROM used u
   CROSS JOIN LATERAL (
         SELECT d.refclassid, d.refobjid FROM pg_depend d
          WHERE d.classid = u.classid AND d.objid = u.objid AND d.objsubid = 0 AND d.refobjid >= 16384
            AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass) OFFSET 0) d
   WHERE u.classid <> 'pg_type'::regclass
)
SELECT o.by_owner,
       o.by_owner
       OR EXISTS (SELECT FROM member m CROSS JOIN LATERAL (
                        SELECT FROM pg_attribute a WHERE a.attrelid = m.oid AND a.attnum > 0 AND a.atttypid >= 16384 OFFSET 0) a)
       OR EXISTS (SELECT FROM used u WHERE u.classid = 'pg_type'::regclass)
       -- pg_depend has not the type of an empty ARRAY[]::type[], nor of JSON_VALUE (... RETURNING type).
       OR EXISTS (SELECT FROM expression e WHERE e.tree ~ ':\w*(?:type|type[iI]d|typid) \d{5,}') AS may
  FROM (SELECT EXISTS (SELECT FROM touched m JOIN pg_class c ON c.oid = m.oid
                WHERE (pg_get_userbyid(c.relowner)::text = ANY (string_to_array(current_setting('p2pfk.trusted_owners', true), ','))) IS NOT TRUE
                  AND NOT pg_has_role(c.relowner, session_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)) AS by_owner) o
:end
