-- Partitions whose owner is not the owner of their table, nor a role with that owner's rights, and so gains a right. Under the parent
-- FK a partition's foreign key is inherited: its owner cannot drop or rename it (checked on 13 and 18). A pair FK belongs to the
-- referencing partition alone, and ALTER TABLE ... DROP CONSTRAINT of its owner succeeds. The row-movement guard is a trigger of the
-- referenced partition, which its owner can drop or disable. (DROP TABLE ... CASCADE of a referenced partition takes the foreign key
-- with it either way.) A superuser's partition has no such owner.
--
-- And partitions whose owner has rights that the table's owner has not. A foreign key's queries run as the owner of the table that they
-- name: the partitioned one under the parent FK, the partition under its pair FK. What the table's owner puts into the partition later
-- through the table (an index, a CHECK) or its types, or who has TRIGGER there, would then run with the rights of the partition's owner.
:begin
WITH leaf AS (
  SELECT DISTINCT s.side, c.oid, c.relowner, r.relowner AS root_owner, s.root AS root_name, format('%I.%I', n.nspname, c.relname) AS name
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
   CROSS JOIN LATERAL (VALUES ('referencing', p.referencing_oid, :'referencing_oid'::oid, :'table'::text),
                              ('referenced', p.referenced_oid, :'referenced_oid'::oid, :'referenced_table'::text)) s(side, oid, root_oid, root)
    JOIN pg_class c ON c.oid = s.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class r ON r.oid = s.root_oid AND r.relowner <> c.relowner
), owned AS MATERIALIZED (
  SELECT l.side, l.relowner, l.root_owner, l.root_name, count(*) AS leaves, min(l.name) AS first_leaf,
         string_agg(format('ALTER TABLE %s OWNER TO %I', l.name, pg_get_userbyid(l.root_owner)), '; ' ORDER BY l.name) FILTER (WHERE l.n <= 20) AS remedies
    FROM (SELECT l.*, row_number() OVER (PARTITION BY l.side, l.relowner ORDER BY l.name) AS n FROM leaf l) l
   GROUP BY l.side, l.relowner, l.root_owner, l.root_name
), judged AS (
  SELECT o.*,
         (o.side = 'referencing'
          OR :'actions'::text ~ 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)' AND coalesce((:'options'::jsonb -> 'rowMovementGuard')::boolean, true))
           AND NOT pg_has_role(o.relowner, o.root_owner, CASE WHEN v.is_16 THEN 'SET, USAGE' ELSE 'MEMBER' END) AS gains,
         NOT pg_has_role(o.root_owner, o.relowner, CASE WHEN v.is_16 THEN 'SET' ELSE 'MEMBER' END) AS lends
    FROM owned o CROSS JOIN (SELECT current_setting('server_version_num')::int >= 160000 AS is_16) v
)
SELECT 'leaf-owner' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('role %I owns %s%s, and %s belongs to %I: after the migration ',
              pg_get_userbyid(s.relowner), s.first_leaf, CASE WHEN s.leaves > 1 THEN format(' and %s more', s.leaves - 1) ELSE '' END,
              s.root_name, pg_get_userbyid(s.root_owner))
         || concat_ws('; and ',
              CASE WHEN NOT s.gains THEN NULL
                   WHEN s.side = 'referencing' THEN 'it can drop or change the foreign key there and then insert rows that reference nothing, which PostgreSQL refuses today because the foreign key is inherited'
                   ELSE 'it can drop or disable the trigger there that refuses row movement, after which an UPDATE of the partition key would run ON DELETE on the referencing rows' END,
              CASE WHEN s.lends THEN format('the queries of the foreign key run there with the rights of %I, and so does code that %I, or a role that may create triggers there, adds to it', pg_get_userbyid(s.relowner), pg_get_userbyid(s.root_owner)) END) AS message,
       s.remedies || CASE WHEN s.leaves > 20 THEN format('; and %s more', s.leaves - 20) ELSE '' END AS remedy
  FROM judged s
 WHERE s.gains OR s.lends
 ORDER BY s.side, s.first_leaf
:end
