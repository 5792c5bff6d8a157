-- Code that work on these tables could run with the rights of this session, although its owner does not have them: one row for
-- each function, type and foreign table among the partitions, or server of one, whose owner decides who is connected to where. No
-- row: all code belongs to PostgreSQL, to superusers, to roles that may become the login, or to roles that the operator trusts:
-- p2pfk.trusted_owners (--trust-owner), which sql/session.sql sets in every session. Reads only; runs none of the code.
--
-- The statements of the application run such code as the owner of a table (referential integrity) or as the role that writes the
-- row. VALIDATE, the counts of orphans, the comparison of bounds, and every statement that opens a table run it as this role: in
-- such a function its owner could do what this role can, even after SET ROLE, which RESET ROLE undoes. That is why session_user
-- is asked about. From 16 on a member may have been granted a role without the right to become it; a superuser's attribute is not
-- inherited either. Hence SET.
--
-- An expression's appearance does not show whether it is run: the planner adds the defaults of arguments, simplifies (CASE WHEN
-- true), inlines the body of an SQL function, and evaluates each immutable call with only constants, for an index or a partition
-- key as soon as the table is opened. So an expression counts if it names anything of an owner that is not trusted:
--   - functions, operators and types in an index, in a CHECK, in extended statistics, in a virtual generated column (18), and in the partition
--     keys of these tables and of the tables ABOVE them, which ATTACH PARTITION looks up to the root. Types are taken from the
--     tree as well as from pg_depend, which does not record that of an empty ARRAY[]::type[] or of JSON_VALUE (... RETURNING type);
--   - all functions of the operator families of the keys, of the partition keys and of the indexes, and of the types that keys,
--     partition keys and expressions are made of (GREATEST and the comparison of arrays and rows find them by type), negators,
--     commutators and estimators of operators; functions of ranges;
--   - casts from and to these types, which JSON_ARRAY, to_json and a bound look up when they run;
--   - what trusted functions depend on themselves: defaults of arguments, bodies of BEGIN ATOMIC;
--   - types: composite types and ranges, because functions that take any type (populate_record of hstore) make values of what is in them.
--     An enum is accepted (its casts count), an array of what is accepted, and a domain whose CHECK is all right: PostgreSQL's own
--     functions in it that are IMMUTABLE. query_to_xml, ts_stat, dblink and others run SQL that they are given as an argument,
--     nextval, set_config or pg_terminate_backend do something by themselves, and such a CHECK runs when the bound of a new partition is
--     made a value of the domain. Functions that compare or read dates are STABLE because of the session's time zone; those of pg_catalog
--     that take nothing else are let through. In all other places PostgreSQL evaluates only IMMUTABLE functions, and none of those runs SQL;
--   - foreign tables, although p2pfk reads none: postgres_fdw connects a superuser without a password, also back to this server as
--     another superuser, and what is read there may be a view that calls a function of the owner.
-- The owner of a schema counts like that of the code where any role that is not trusted has CREATE on the database:
-- ALTER SCHEMA ... RENAME and CREATE SCHEMA need that right, and wait for no lock on a table. So between two statements, or
-- within one, the owner can replace this schema with its own, which has tables of the same names. (The owner of a table cannot
-- do that while a lock on the table is held: sql/checks/not-locked.sql.)
-- Which role has the right is not followed further: a role that holds it could grant it, or another role, to the owner at any time.
-- The body of a function that is text is not followed: its owner is trusted with what it calls. But a body without its own
-- search_path looks names up in that of the caller, where other roles may have put functions. DDL runs under the caller's path,
-- so such a function counts for the owner of the table, who chooses its arguments: even one of a superuser, and on 13
-- PostgreSQL's own functions in SQL.
-- not null: code, owner, session_role, remedy
:begin
WITH RECURSIVE trusted AS MATERIALIZED (
  SELECT r.oid
    FROM pg_roles r
   WHERE pg_has_role(r.oid, session_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
      OR pg_has_role(r.oid, session_user, 'MEMBER WITH ADMIN OPTION')
      -- Until 15 CREATEROLE makes its holder a member of any role that is no superuser.
      OR (r.rolcreaterole AND current_setting('server_version_num')::int < 160000
          AND NOT (SELECT s.rolsuper FROM pg_roles s WHERE s.rolname = session_user))
      OR r.rolname::text = ANY (string_to_array(current_setting('p2pfk.trusted_owners', true), ','))
), creator AS MATERIALIZED (
  -- The owner of the database, who may always grant it, also where it has been revoked.
  SELECT r.rolname, r.oid = d.datdba AS owns
    FROM pg_roles r CROSS JOIN (SELECT b.oid, b.datdba FROM pg_database b WHERE b.datname = current_database()) d
   WHERE (has_database_privilege(r.oid, d.oid, 'CREATE') OR r.oid = d.datdba) AND r.oid NOT IN (SELECT t.oid FROM trusted t)
), member AS (
  SELECT s.side, s.oid FROM (VALUES ('referencing', :'referencing_oid'::oid), ('referenced', :'referenced_oid'::oid)) s(side, oid)
  UNION
  SELECT m.side, i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), above AS (
  SELECT m.oid FROM member m
  UNION
  SELECT i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.oid
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
), partitioned AS MATERIALIZED (
  SELECT p.partrelid, p.partclass::oid[] AS classes, p.partattrs::int2[] AS attributes, p.partexprs::text AS expressions
    FROM above a JOIN pg_partitioned_table p ON p.partrelid = a.oid
), key_type AS MATERIALIZED (
  SELECT DISTINCT a.atttypid AS oid
    FROM partitioned p JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.attributes) AND a.attnum > 0
), index AS MATERIALIZED (
  SELECT x.indexrelid, x.indclass::oid[] AS classes, x.indexprs::text AS expressions, x.indpred::text AS predicate
    FROM member m JOIN pg_index x ON x.indrelid = m.oid
), expression(classid, objid, tree) AS MATERIALIZED (
  SELECT 'pg_class'::regclass::oid, i.indexrelid, concat_ws(' ', i.expressions, i.predicate)
    FROM index i WHERE i.expressions IS NOT NULL OR i.predicate IS NOT NULL
  UNION ALL
  SELECT 'pg_constraint'::regclass, c.oid, c.conbin::text FROM member m JOIN pg_constraint c ON c.conrelid = m.oid AND c.contype = 'c'
  UNION ALL
  SELECT 'pg_statistic_ext'::regclass, s.oid, to_jsonb(s) ->> 'stxexprs'  -- column of 14+
    FROM member m JOIN pg_statistic_ext s ON s.stxrelid = m.oid
  UNION ALL
  SELECT 'pg_attrdef'::regclass, d.oid, d.adbin::text
    FROM member m
    JOIN pg_attribute a ON a.attrelid = m.oid AND a.attnum > 0 AND a.attgenerated = 'v'
    JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  UNION ALL
  SELECT 'pg_class'::regclass, p.partrelid, p.expressions FROM partitioned p WHERE p.expressions IS NOT NULL
), reference AS MATERIALIZED (
  SELECT DISTINCT d.refclassid, d.refobjid
    FROM expression e
   CROSS JOIN LATERAL (
         SELECT d.refclassid, d.refobjid FROM pg_depend d
          WHERE d.classid = e.classid AND d.objid = e.objid AND d.objsubid = 0
            AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass) OFFSET 0) d
), named AS MATERIALIZED (
  SELECT DISTINCT r.m[1]::oid AS oid
    FROM expression e CROSS JOIN LATERAL regexp_matches(e.tree, ':\w*(?:type|type[iI]d|typid) (\d{5,})', 'g') r(m)
   WHERE r.m[1]::oid >= 16384
), class AS MATERIALIZED (
  SELECT k.oid FROM (SELECT DISTINCT i.classes FROM index i UNION SELECT p.classes FROM partitioned p) x CROSS JOIN LATERAL unnest(x.classes) k(oid)
), type AS (
  SELECT t.oid
    FROM (SELECT x.oid FROM compared c JOIN pg_operator o ON o.oid = c.operator
           CROSS JOIN LATERAL (VALUES (c.referencing_type), (c.referenced_type), (o.oprleft), (o.oprright)) x(oid)
          UNION SELECT k.oid FROM key_type k
          UNION SELECT o.opcintype FROM class c JOIN pg_opclass o ON o.oid = c.oid
          UNION SELECT r.refobjid FROM reference r WHERE r.refclassid = 'pg_type'::regclass
          UNION SELECT n.oid FROM named n) t
  UNION
  SELECT p.oid
    FROM type y
   -- OFFSET 0: each type once, and not all types of the database first.
   CROSS JOIN LATERAL (SELECT t.oid, t.typbasetype, t.typelem, t.typrelid, t.typtype FROM pg_type t WHERE t.oid = y.oid OFFSET 0) t
   CROSS JOIN LATERAL (
         SELECT t.typbasetype AS oid
         UNION ALL SELECT t.typelem
         UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
         UNION ALL SELECT r.rngtypid FROM pg_range r WHERE to_jsonb(r) ->> 'rngmultitypid' = t.oid::text  -- column of 14+
         UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
         UNION ALL SELECT k.casttarget FROM pg_cast k WHERE k.castsource = t.oid AND k.castmethod = 'b'
         UNION ALL SELECT d.refobjid FROM pg_constraint c JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = c.oid
                    WHERE c.contypid = t.oid AND d.refclassid = 'pg_type'::regclass
         UNION ALL SELECT r.m[1]::oid
                     FROM pg_constraint c CROSS JOIN LATERAL regexp_matches(c.conbin::text, ':\w*(?:type|type[iI]d|typid) (\d{5,})', 'g') r(m)
                    WHERE c.contypid = t.oid AND r.m[1]::oid >= 16384
         -- A class for one of these serves this type as well.
         UNION ALL SELECT to_regtype(g.name)::oid
                     FROM (VALUES ('"any"', true), ('anyelement', true), ('anycompatible', true),
                                  ('anynonarray', t.typelem = 0), ('anycompatiblenonarray', t.typelem = 0),
                                  ('anyarray', t.typelem <> 0), ('anycompatiblearray', t.typelem <> 0),
                                  ('anyenum', t.typtype = 'e'), ('record', t.typtype = 'c'), ('record[]', t.typelem <> 0),
                                  ('anyrange', t.typtype = 'r'), ('anycompatiblerange', t.typtype = 'r'),
                                  ('anymultirange', t.typtype = 'm'), ('anycompatiblemultirange', t.typtype = 'm')) g(name, fits)
                    WHERE g.fits) p
   WHERE p.oid <> 0
), own_type AS MATERIALIZED (
  -- A number of the tree that is no type's oid finds none.
  SELECT t.oid, t.typowner, t.typtype
    FROM type y JOIN pg_type t ON t.oid = y.oid
   WHERE t.oid >= 16384 AND t.typowner NOT IN (SELECT r.oid FROM trusted r)
), range AS MATERIALIZED (
  SELECT r.* FROM type y JOIN pg_range r ON r.rngtypid = y.oid
), family AS MATERIALIZED (
  SELECT o.opcfamily AS oid
    FROM pg_opclass o
   WHERE o.opcintype IN (SELECT y.oid FROM type y) OR o.oid IN (SELECT c.oid FROM class c UNION ALL SELECT r.rngsubopc FROM range r)
  UNION
  SELECT x.amopfamily FROM pg_amop x WHERE x.amopopr IN (SELECT c.operator FROM compared c)
), cast_used AS MATERIALIZED (
  -- A domain is compared as the type below it.
  SELECT k.castsource, k.casttarget
    FROM compared c
    JOIN pg_operator o ON o.oid = c.operator
   CROSS JOIN LATERAL (VALUES (c.referenced_type, o.oprleft), (c.referencing_type, o.oprright)) s(source, target)
    JOIN pg_cast k ON k.casttarget = s.target AND k.castmethod <> 'b'
                  AND k.castsource IN (WITH RECURSIVE base AS (
                                         SELECT s.source AS oid
                                         UNION ALL
                                         SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.oid AND t.typbasetype <> 0)
                                       SELECT b.oid FROM base b)
), operator AS (
  SELECT o.oid
    FROM (SELECT c.operator AS oid FROM compared c
          UNION SELECT x.amopopr FROM pg_amop x WHERE x.amopfamily IN (SELECT y.oid FROM family y)
          UNION SELECT r.refobjid FROM reference r WHERE r.refclassid = 'pg_operator'::regclass) o
  UNION
  SELECT n.oid FROM operator y JOIN pg_operator o ON o.oid = y.oid CROSS JOIN LATERAL (VALUES (o.oprcom), (o.oprnegate)) n(oid) WHERE n.oid <> 0
), code AS (
  SELECT f.oid
    FROM (SELECT x.oid FROM operator y JOIN pg_operator o ON o.oid = y.oid
           CROSS JOIN LATERAL (VALUES (o.oprcode::oid), (o.oprrest::oid), (o.oprjoin::oid)) x(oid)
          UNION SELECT x.amproc FROM pg_amproc x WHERE x.amprocfamily IN (SELECT y.oid FROM family y)
          UNION SELECT x.oid FROM range r CROSS JOIN LATERAL (VALUES (r.rngcanonical::oid), (r.rngsubdiff::oid)) x(oid)
          -- Of own types the other side is one of PostgreSQL's, or known here: a stranger could make a cast to a type of its own.
          UNION SELECT k.castfunc FROM pg_cast k
                 WHERE k.castsource IN (SELECT y.oid FROM own_type y) AND k.casttarget < 16384
                    OR k.casttarget IN (SELECT y.oid FROM own_type y) AND k.castsource < 16384
          UNION SELECT k.castfunc FROM pg_cast k
                 WHERE k.castsource IN (SELECT y.oid FROM type y) AND k.casttarget IN (SELECT y.oid FROM type y)
                    -- For a bound, which is a value of PostgreSQL's own types.
                    OR k.castsource < 16384 AND k.casttarget IN (SELECT y.oid FROM key_type y
                                                                 UNION ALL SELECT t.typbasetype FROM key_type y JOIN pg_type t ON t.oid = y.oid)
          UNION SELECT r.refobjid FROM reference r WHERE r.refclassid = 'pg_proc'::regclass
          UNION SELECT coalesce(o.oprcode::oid, d.refobjid)
                  FROM type y
                  JOIN pg_constraint c ON c.contypid = y.oid
                  JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = c.oid AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
                  LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid) f
   WHERE f.oid <> 0
  UNION
  SELECT coalesce(o.oprcode::oid, d.refobjid)
    FROM code y
   CROSS JOIN LATERAL (
         SELECT d.refclassid, d.refobjid FROM pg_depend d
          WHERE d.classid = 'pg_proc'::regclass AND d.objid = y.oid AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) OFFSET 0) d
    LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
), tree(text) AS MATERIALIZED (
  SELECT e.tree FROM expression e
  UNION ALL
  SELECT d.conbin::text FROM type y JOIN pg_constraint d ON d.contypid = y.oid
), by_path AS MATERIALIZED (
  SELECT f.oid
    FROM (SELECT c.oid FROM code c
          UNION SELECT r.m[1]::oid FROM tree t CROSS JOIN LATERAL regexp_matches(t.text, ':\w*funcid (\d+)', 'g') r(m)
          UNION SELECT o.oprcode::oid FROM tree t CROSS JOIN LATERAL regexp_matches(t.text, ':opno (\d+)', 'g') r(m) JOIN pg_operator o ON o.oid = r.m[1]::oid) x
   -- OFFSET 0: to_jsonb for these alone, and not for all functions of the database.
   CROSS JOIN LATERAL (
         SELECT f.* FROM pg_proc f JOIN pg_language l ON l.oid = f.prolang
          WHERE f.oid = x.oid AND l.lanname NOT IN ('internal', 'c') OFFSET 0) f
   WHERE to_jsonb(f) ->> 'prosqlbody' IS NULL  -- column of 14+
     AND NOT EXISTS (SELECT FROM unnest(f.proconfig) s(setting) WHERE s.setting LIKE 'search_path=%')
), author AS MATERIALIZED (
  SELECT c.relowner AS owner FROM above a JOIN pg_class c ON c.oid = a.oid
  UNION
  SELECT t.typowner FROM own_type t
), owned AS (
  SELECT format('function %s', f.oid::regprocedure) AS code, f.proowner AS owner,
         format('read the code and take it over: ALTER FUNCTION %1$s OWNER TO %2$I; ALTER FUNCTION %1$s SET search_path = pg_catalog, pg_temp', f.oid::regprocedure, session_user) AS remedy
    FROM code c JOIN pg_proc f ON f.oid = c.oid
  UNION
  SELECT format('function %s, which finds what it calls by search_path, in an expression', b.oid::regprocedure), a.owner,
         CASE WHEN b.oid < 16384 THEN 'take what uses it away'
              ELSE format('give it a path of its own: ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', b.oid::regprocedure) END
    FROM by_path b CROSS JOIN author a
  UNION
  SELECT format('type %s', t.oid::regtype), t.typowner, format('read the code and take it over: ALTER TYPE %s OWNER TO %I', t.oid::regtype, session_user)
    FROM own_type t
   WHERE t.typtype NOT IN ('d', 'e') AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
  UNION
  SELECT format('casts of type %s', t.oid::regtype), t.typowner,
         format('read the code and take it over: ALTER TYPE %s OWNER TO %I', t.oid::regtype, session_user)
    FROM cast_used k CROSS JOIN LATERAL (VALUES (k.castsource), (k.casttarget)) s(oid) JOIN pg_type t ON t.oid = s.oid
  UNION
  -- By the tree: what comes with PostgreSQL has no row in pg_depend.
  SELECT format('function %s in a CHECK of domain %s', f.oid::regprocedure, t.oid::regtype), t.typowner,
         format('read the CHECK and take the domain over: ALTER DOMAIN %s OWNER TO %I', t.oid::regtype, session_user)
    FROM type y
    JOIN pg_type t ON t.oid = y.oid AND t.typtype = 'd'
    JOIN pg_constraint c ON c.contypid = t.oid
   CROSS JOIN LATERAL regexp_matches(c.conbin::text, ':[a-z]*funcid (\d+)', 'g') called(m)
   CROSS JOIN LATERAL (SELECT f.* FROM pg_proc f WHERE f.oid = called.m[1]::oid OFFSET 0) f
   WHERE f.provolatile <> 'i'
     AND NOT (f.provolatile = 's' AND f.pronamespace = 'pg_catalog'::regnamespace
              AND NOT EXISTS (SELECT FROM unnest(f.proargtypes::oid[]) a(type)
                               WHERE a.type NOT IN ('date'::regtype, 'time'::regtype, 'timetz'::regtype,
                                                    'timestamp'::regtype, 'timestamptz'::regtype, 'interval'::regtype)))
  UNION
  -- Of the database's owner where PostgreSQL's own role pg_database_owner (14+, oid 6171) has it.
  SELECT format('schema %I, in which its owner can put other tables in the place of these', n.nspname),
         CASE n.nspowner WHEN 6171 THEN (SELECT d.datdba FROM pg_database d WHERE d.datname = current_database()) ELSE n.nspowner END,
         format('give the schema to a role that is trusted: ALTER SCHEMA %I OWNER TO %I', n.nspname, session_user)
           || (SELECT CASE WHEN bool_or(b.owns) THEN ''
                           ELSE format(', or see that no role but trusted ones may CREATE in database %I, as %I may', current_database(), min(b.rolname)) END
                 FROM creator b)
    FROM (SELECT DISTINCT c.relnamespace FROM member m JOIN pg_class c ON c.oid = m.oid) s
    JOIN pg_namespace n ON n.oid = s.relnamespace
   WHERE EXISTS (SELECT FROM creator)
  UNION
  SELECT x.code, x.owner, format('detach it: ALTER TABLE %s DETACH PARTITION %s', i.inhparent::regclass, c.oid::regclass)
    FROM member m
    JOIN pg_class c ON c.oid = m.oid AND c.relkind = 'f'
    JOIN pg_inherits i ON i.inhrelid = c.oid
    JOIN pg_foreign_table f ON f.ftrelid = c.oid
    JOIN pg_foreign_server s ON s.oid = f.ftserver
   CROSS JOIN LATERAL (VALUES (format('foreign table %s', c.oid::regclass), c.relowner),
                              (format('server %I of foreign table %s', s.srvname, c.oid::regclass), s.srvowner)) x(code, owner)
)
SELECT o.code, pg_get_userbyid(o.owner) AS owner, session_user AS session_role,
       format('%s, or name the owner with --trust-owner (psql: -v trust_owners), if all who can act as it may do what %s may', o.remedy, session_user) AS remedy
  FROM owned o
 WHERE o.owner NOT IN (SELECT r.oid FROM trusted r)
 ORDER BY o.code
 LIMIT 20
:end
