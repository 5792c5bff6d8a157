-- Partitions whose owner is not the owner of their table, nor a role with that owner's rights, and therefore gains a right. With
-- the parent FK a partition's foreign key is inherited: its owner cannot drop or rename it (checked on 13 and 18). A pair FK
-- belongs to the referencing partition only, and ALTER TABLE ... DROP CONSTRAINT by its owner succeeds. The row-movement guard is
-- a trigger of the referenced partition, which its owner can drop or disable. (DROP TABLE ... CASCADE of a referenced partition
-- drops the foreign key with it either way.) A superuser's partition has no such owner.
--
-- And partitions whose owner has rights that the table's owner does not have. A foreign key's queries run as the owner of the
-- table that they name: with the parent FK the partitioned table, with its pair FK the partition. What the table's owner adds to
-- the partition later through the table (an index, a CHECK) or its types, or what a role with TRIGGER there adds, would then run
-- with the rights of the partition's owner.
--
-- And, by the first of these two rules, owners of partitions between root and leaves, which have partitions themselves. Today the
-- inherited foreign key checks the rows of each partition that its owner attaches or creates below it, and PostgreSQL refuses to
-- detach a referenced partition whose rows are referenced (checked on 13 and 18). A pair FK belongs to leaves only, so both are
-- possible after the migration. On the referencing side partitions without a pair below them count, too, because a partition can
-- be attached to any of them.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE pair AS (
  SELECT p.referencing_oid, p.referenced_oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
), down AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION
  SELECT i.inhrelid FROM down d JOIN pg_inherits i ON i.inhparent = d.oid
), up AS (
  SELECT p.referenced_oid AS oid FROM pair p
  UNION
  SELECT i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid WHERE u.oid <> :'referenced_oid'::oid
), partition AS (
  SELECT s.side, s.is_leaf, c.oid, c.relowner, r.relowner AS root_owner, s.root AS root_name, format('%I.%I', n.nspname, c.relname) AS name
    FROM (SELECT p.referencing_oid AS oid, true AS is_leaf, 'referencing' AS side, :'referencing_oid'::oid AS root_oid, :'table'::text AS root FROM pair p
          UNION
          SELECT p.referenced_oid, true, 'referenced', :'referenced_oid'::oid, :'referenced_table'::text FROM pair p
          UNION
          SELECT d.oid, false, 'referencing', :'referencing_oid'::oid, :'table'::text FROM down d
          UNION
          SELECT u.oid, false, 'referenced', :'referenced_oid'::oid, :'referenced_table'::text FROM up u) s
    JOIN pg_class c ON c.oid = s.oid AND (s.is_leaf OR c.relkind = 'p' AND c.oid <> s.root_oid)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class r ON r.oid = s.root_oid AND r.relowner <> c.relowner
), owned AS MATERIALIZED (
  SELECT l.side, l.is_leaf, l.relowner, l.root_owner, l.root_name, count(*) AS tables, min(l.name) AS first,
         string_agg(format('ALTER TABLE %s OWNER TO %I', l.name, pg_get_userbyid(l.root_owner)), '; ' ORDER BY l.name) FILTER (WHERE l.n <= 20) AS remedies
    FROM (SELECT l.*, row_number() OVER (PARTITION BY l.side, l.is_leaf, l.relowner ORDER BY l.name) AS n FROM partition l) l
   GROUP BY l.side, l.is_leaf, l.relowner, l.root_owner, l.root_name
), judged AS (
  SELECT o.*,
         (o.side = 'referencing' OR NOT o.is_leaf
          OR :'actions'::text ~ 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)' AND coalesce((:'options'::jsonb -> 'rowMovementGuard')::boolean, true))
           AND NOT pg_has_role(o.relowner, o.root_owner, CASE WHEN v.is_16 THEN 'SET, USAGE' ELSE 'MEMBER' END) AS gains,
         o.is_leaf AND NOT pg_has_role(o.root_owner, o.relowner, CASE WHEN v.is_16 THEN 'SET' ELSE 'MEMBER' END) AS lends
    FROM owned o CROSS JOIN (SELECT current_setting('server_version_num')::int >= 160000 AS is_16) v
)
SELECT 'leaf-owner' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('role %I owns %s%s%s, and %s belongs to %I: after the migration ',
              pg_get_userbyid(s.relowner), s.first, CASE WHEN s.tables > 1 THEN format(' and %s more', s.tables - 1) ELSE '' END,
              CASE WHEN s.is_leaf THEN '' ELSE ', with partitions of ' || CASE WHEN s.tables > 1 THEN 'their' ELSE 'its' END || ' own' END,
              s.root_name, pg_get_userbyid(s.root_owner))
         || concat_ws('; and ',
              CASE WHEN NOT s.gains THEN NULL
                   WHEN s.side = 'referencing' AND s.is_leaf THEN 'it can drop or change the foreign key there and then insert rows that reference nothing, which PostgreSQL refuses today because the foreign key is inherited'
                   WHEN s.side = 'referencing' THEN 'it can attach or create partitions there whose rows reference nothing, which PostgreSQL refuses today because they inherit the foreign key'
                   WHEN NOT s.is_leaf THEN 'it can detach partitions there whose rows are referenced, after which the referencing rows reference nothing in the table; PostgreSQL refuses that today'
                   ELSE 'it can drop or disable the trigger there that refuses row movement, after which an UPDATE of the partition key would run ON DELETE on the referencing rows' END,
              CASE WHEN s.lends THEN format('the queries of the foreign key run there with the rights of %I, and so does code that %I, or a role that may create triggers there, adds to it', pg_get_userbyid(s.relowner), pg_get_userbyid(s.root_owner)) END) AS message,
       s.remedies || CASE WHEN s.tables > 20 THEN format('; and %s more', s.tables - 20) ELSE '' END AS remedy
  FROM judged s
 WHERE s.gains OR s.lends
 ORDER BY s.side, s.is_leaf DESC, s.first
:end
