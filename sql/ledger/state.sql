-- Whether this session may use the ledger. Any role with CREATE in the database can make a schema p2pfk before us: a view, a
-- trigger, a default or a function in it would run with our rights. So this runs before anything else of ours uses an object in
-- p2pfk, and reads pg_catalog only. It takes no lock on any of them.
--
-- Trusted: the current role, superusers, and the role :'ledger_owner' (empty: none). They may change what they own, and that is
-- trusted, too. Membership does not count: a member of a role is not that role.
--
-- refusal: one line, or empty. readable: this role may read it; version_readable: its version, too (with readable). has_tables:
-- it is more than an empty schema.
-- not null: present, has_tables, refusal, readable, version_readable, is_copy
:begin
WITH ledger AS (
  SELECT n.oid, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk'
), trusted AS (
  SELECT r.oid FROM pg_catalog.pg_roles r
   WHERE r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) current_user
      OR r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) :'ledger_owner'::pg_catalog.text
), relation AS (
  -- What comes with an extension is not ours, unless it has the name of a table of ours.
  SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relowner, c.relacl,
         c.relname OPERATOR(pg_catalog.=) ANY (ARRAY['ledger_version', 'identity', 'migration', 'pair', 'event', 'running']::pg_catalog.name[])
           OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                           WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) c.oid
                             AND d.deptype OPERATOR(pg_catalog.=) 'e') AS is_ours
    FROM pg_catalog.pg_class c JOIN ledger l ON c.relnamespace OPERATOR(pg_catalog.=) l.oid
), owned(class, oid, owner) AS (
  SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, l.oid, l.nspowner FROM ledger l
  UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, r.relowner FROM relation r
  UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, o.oid, o.proowner
    FROM pg_catalog.pg_proc o JOIN ledger l ON o.pronamespace OPERATOR(pg_catalog.=) l.oid
  UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, o.oid, o.typowner
    FROM pg_catalog.pg_type o JOIN ledger l ON o.typnamespace OPERATOR(pg_catalog.=) l.oid
  UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, o.oprowner
    FROM pg_catalog.pg_operator o JOIN ledger l ON o.oprnamespace OPERATOR(pg_catalog.=) l.oid
  UNION ALL SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid, o.opcowner
    FROM pg_catalog.pg_opclass o JOIN ledger l ON o.opcnamespace OPERATOR(pg_catalog.=) l.oid
  UNION ALL SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.oid, o.opfowner
    FROM pg_catalog.pg_opfamily o JOIN ledger l ON o.opfnamespace OPERATOR(pg_catalog.=) l.oid
  UNION ALL SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, o.oid, o.collowner
    FROM pg_catalog.pg_collation o JOIN ledger l ON o.collnamespace OPERATOR(pg_catalog.=) l.oid
  UNION ALL SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, o.oid, o.conowner
    FROM pg_catalog.pg_conversion o JOIN ledger l ON o.connamespace OPERATOR(pg_catalog.=) l.oid
  UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, o.oid, o.stxowner
    -- Those of our tables, wherever they are. Before 18.1, 17.7, 16.11, 15.15, 14.20 and 13.23 the owner of any table could put
    -- statistics of it into any schema (CVE-2025-12817); nothing of ours evaluates them.
    FROM pg_catalog.pg_statistic_ext o JOIN relation r ON o.stxrelid OPERATOR(pg_catalog.=) r.oid
), part(class, oid) AS (
  -- What has no owner of its own, and may call a function: defaults and generated columns, constraints, triggers, rules, policies.
  SELECT o.class, o.oid FROM owned o
  UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, o.oid
    FROM pg_catalog.pg_attrdef o JOIN relation r ON o.adrelid OPERATOR(pg_catalog.=) r.oid
  UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, o.oid
    FROM pg_catalog.pg_constraint o JOIN ledger l ON o.connamespace OPERATOR(pg_catalog.=) l.oid
  UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, o.oid
    FROM pg_catalog.pg_trigger o JOIN relation r ON o.tgrelid OPERATOR(pg_catalog.=) r.oid
  UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, o.oid
    FROM pg_catalog.pg_rewrite o JOIN relation r ON o.ev_class OPERATOR(pg_catalog.=) r.oid
  UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, o.oid
    FROM pg_catalog.pg_policy o JOIN relation r ON o.polrelid OPERATOR(pg_catalog.=) r.oid
), used(class, oid, other_class, other, owner) AS (
  SELECT p.class, p.oid, d.refclassid, d.refobjid,
         COALESCE(f.proowner, t.typowner, o.oprowner, c.relowner, k.collowner, q.opcowner)
    FROM part p
    JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) p.class AND d.objid OPERATOR(pg_catalog.=) p.oid
    LEFT JOIN pg_catalog.pg_proc f ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid OPERATOR(pg_catalog.=) d.refobjid
    LEFT JOIN pg_catalog.pg_type t ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid OPERATOR(pg_catalog.=) d.refobjid
    LEFT JOIN pg_catalog.pg_operator o ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid OPERATOR(pg_catalog.=) d.refobjid
    LEFT JOIN pg_catalog.pg_class c ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid OPERATOR(pg_catalog.=) d.refobjid
    LEFT JOIN pg_catalog.pg_collation k ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_collation'::pg_catalog.regclass AND k.oid OPERATOR(pg_catalog.=) d.refobjid
    LEFT JOIN pg_catalog.pg_opclass q ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_opclass'::pg_catalog.regclass AND q.oid OPERATOR(pg_catalog.=) d.refobjid
  UNION ALL
  -- A foreign key of another table to the ledger, and a child of one of its tables: their owner's triggers and rows come with ours.
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relowner
    FROM relation r
    JOIN (SELECT k.confrelid, k.conrelid FROM pg_catalog.pg_constraint k WHERE k.contype OPERATOR(pg_catalog.=) 'f'
          UNION ALL SELECT i.inhparent, i.inhrelid FROM pg_catalog.pg_inherits i) x(ours, other) ON x.ours OPERATOR(pg_catalog.=) r.oid
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) x.other
), granted(place, class, oid, sub, privilege, grantee, owner) AS (
  -- What others may do to it. An approver needs to write the approval's columns, and nothing else (sql/ledger-approver.sql).
  SELECT 1, 'pg_catalog.pg_namespace'::pg_catalog.regclass, l.oid, 0, a.privilege_type, a.grantee, l.nspowner
    FROM ledger l CROSS JOIN LATERAL pg_catalog.aclexplode(l.nspacl) a
   WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
  UNION ALL
  SELECT 2, 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, 0, a.privilege_type, a.grantee, r.relowner
    FROM relation r CROSS JOIN LATERAL pg_catalog.aclexplode(r.relacl) a
   WHERE r.is_ours AND a.privilege_type OPERATOR(pg_catalog.=) ANY (ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'])
  UNION ALL
  SELECT 2, 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid, t.attnum::pg_catalog.int4, a.privilege_type, a.grantee, r.relowner
    FROM relation r
    -- OFFSET 0: by the index, also among the columns of ten thousand partitions.
   CROSS JOIN LATERAL (SELECT b.attnum, b.attname, b.attacl FROM pg_catalog.pg_attribute b
                        WHERE b.attrelid OPERATOR(pg_catalog.=) r.oid AND b.attacl IS NOT NULL OFFSET 0) t
   CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a
   WHERE r.is_ours AND a.privilege_type OPERATOR(pg_catalog.=) ANY (ARRAY['INSERT', 'UPDATE', 'REFERENCES'])
     AND NOT (r.relname OPERATOR(pg_catalog.=) 'migration' AND a.privilege_type OPERATOR(pg_catalog.=) 'UPDATE'
              AND t.attname OPERATOR(pg_catalog.=) ANY (ARRAY['approved_at', 'approved_by', 'approval_reason', 'approval_withdrawn_at',
                                                                           'approval_withdrawn_by', 'approval_withdrawn_reason', 'updated_at']::pg_catalog.name[]))
), problem(place, text) AS (
  SELECT CASE WHEN o.class OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass THEN 1
              WHEN o.class OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass THEN 2 ELSE 3 END,
         pg_catalog.format('%s %s is owned by %s', i.type, i.identity, pg_catalog.pg_get_userbyid(o.owner))
    FROM owned o CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.class, o.oid, 0) i
   WHERE NOT EXISTS (SELECT FROM trusted t WHERE t.oid OPERATOR(pg_catalog.=) o.owner)
  UNION ALL
  SELECT 4, pg_catalog.format('%s %s depends on %s %s, which is owned by %s', i.type, i.identity, j.type, j.identity,
                              pg_catalog.pg_get_userbyid(u.owner))
    FROM used u
   CROSS JOIN LATERAL pg_catalog.pg_identify_object(u.class, u.oid, 0) i
   CROSS JOIN LATERAL pg_catalog.pg_identify_object(u.other_class, u.other, 0) j
   WHERE u.owner IS NOT NULL AND NOT EXISTS (SELECT FROM trusted t WHERE t.oid OPERATOR(pg_catalog.=) u.owner)
     AND NOT EXISTS (SELECT FROM owned o WHERE o.class OPERATOR(pg_catalog.=) u.other_class AND o.oid OPERATOR(pg_catalog.=) u.other)
  UNION ALL
  SELECT 5, pg_catalog.format('%s has the privilege %s on %s %s',
                              CASE WHEN g.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee)::pg_catalog.text END,
                              g.privilege, i.type, i.identity)
    FROM granted g CROSS JOIN LATERAL pg_catalog.pg_identify_object(g.class, g.oid, g.sub) i
   WHERE g.grantee OPERATOR(pg_catalog.<>) g.owner AND NOT EXISTS (SELECT FROM trusted t WHERE t.oid OPERATOR(pg_catalog.=) g.grantee)
  UNION ALL
  SELECT 6, pg_catalog.format('%s %s is not a table as p2pfk makes it', i.type, i.identity)
    FROM relation r CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, r.oid, 0) i
   WHERE r.relname OPERATOR(pg_catalog.=) ANY (ARRAY['ledger_version', 'identity', 'migration', 'pair', 'event', 'running']::pg_catalog.name[])
     AND (r.relkind OPERATOR(pg_catalog.<>) 'r' OR r.relpersistence OPERATOR(pg_catalog.<>) 'p')
), verdict AS (
  SELECT pg_catalog.count(*) AS problems,
         (SELECT p.text FROM problem p ORDER BY p.place, pg_catalog.length(p.text), p.text LIMIT 1) AS first
    FROM problem
), tables AS (
  -- Its comment says whether it is a copy. Not by obj_description(): on 13 that is SQL without schemas, run under the path of now.
  SELECT r.version, r.migration,
         EXISTS (SELECT FROM pg_catalog.pg_description d
                  WHERE d.objoid OPERATOR(pg_catalog.=) r.version AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objsubid OPERATOR(pg_catalog.=) 0 AND d.description OPERATOR(pg_catalog.~~) 'Copy of a ledger%') AS is_copy
    FROM (SELECT (SELECT r.oid FROM relation r WHERE r.relname OPERATOR(pg_catalog.=) 'ledger_version') AS version,
                 (SELECT r.oid FROM relation r WHERE r.relname OPERATOR(pg_catalog.=) 'migration') AS migration) r
)
SELECT EXISTS (SELECT FROM ledger) AS present,
       t.version IS NOT NULL AS has_tables,
       CASE WHEN v.problems OPERATOR(pg_catalog.>) 0
            THEN pg_catalog.format('refused, nothing was changed: the ledger, schema p2pfk, cannot be trusted: %s%s; it has to belong to the current role (%s), to a superuser, or to the role named by --ledger-owner (psql: -v ledger_owner), and nobody else may change it; if that is intended, name its owner; else find out who made it before you drop it or take the privilege back',
                                   v.first,
                                   CASE WHEN v.problems OPERATOR(pg_catalog.=) 1 THEN '' ELSE pg_catalog.format(' (and %s more)', v.problems OPERATOR(pg_catalog.-) 1) END,
                                   current_user)
            ELSE '' END AS refusal,
       CASE WHEN v.problems OPERATOR(pg_catalog.>) 0 OR t.version IS NULL OR t.migration IS NULL THEN false
            WHEN NOT pg_catalog.has_schema_privilege(l.oid, 'USAGE') THEN false
            WHEN t.is_copy THEN false
            ELSE pg_catalog.has_table_privilege(t.migration, 'SELECT')
       END AS readable,
       COALESCE(pg_catalog.has_table_privilege(t.version, 'SELECT'), false) AS version_readable,
       t.is_copy
  FROM verdict v CROSS JOIN tables t LEFT JOIN ledger l ON true
:end
