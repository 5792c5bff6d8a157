-- What the migrating role needs on partitions in addition to ownership. CREATE INDEX needs CREATE on the partition's schema. It takes
-- the tablespace that default_tablespace names, not the partition's own, and sql/session.sql sets that to the database's own, on which
-- no right is needed; an index outside the partition's tablespace is reported, because that one may have no room. ADD FOREIGN KEY needs REFERENCES on the key, which an owner may have
-- revoked from itself. A role that does not own a partition has a finding already.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH leaf AS (
  SELECT DISTINCT s.side, c.oid, format('%I.%I', n.nspname, c.relname) AS name, n.oid AS schema, n.nspname
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid, constraint_oid oid)
   CROSS JOIN LATERAL (VALUES ('referencing', p.referencing_oid), ('referenced', p.referenced_oid)) s(side, oid)
    JOIN pg_class c ON c.oid = s.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE p.constraint_oid IS NULL AND pg_has_role(c.relowner, 'USAGE')
), built AS (
  SELECT format('%I.%I', n.nspname, c.relname) AS name, n.oid AS schema, n.nspname, c.reltablespace
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, has_index boolean)
    JOIN pg_class c ON c.oid = p.referencing_oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT p.has_index AND NOT coalesce((:'options'::jsonb ->> 'noIndexes')::boolean, false) AND pg_has_role(c.relowner, 'USAGE')
), target AS (
  -- pg_class has 0 for the database's own.
  SELECT 0::oid AS oid, d.spcname AS name
    FROM pg_database b
    JOIN pg_tablespace d ON d.oid = b.dattablespace
   WHERE b.datname = current_database()
)
SELECT 'missing-create' AS id, 'error' AS severity, false AS needs_acceptance,
       format('role %s has no CREATE on schema %I, where %s index(es) have to be built, the first on %s', current_user, nspname, count(*), min(name)) AS message,
       format('GRANT CREATE ON SCHEMA %I TO %I; or build the indexes as another role first', nspname, current_user) AS remedy
  FROM built
 WHERE NOT has_schema_privilege(schema, 'CREATE')
 GROUP BY nspname
UNION ALL
SELECT 'index-tablespace', 'info', false,
       format('%s index(es) are built in tablespace %I, and their partitions lie in another one, the first being %s', count(*), t.name, min(b.name)),
       'see that it has room; or build them first, with CREATE INDEX CONCURRENTLY ... TABLESPACE ...'
  FROM built b, target t
 WHERE b.reltablespace <> t.oid
 GROUP BY t.name
UNION ALL
SELECT 'missing-usage', 'error', false,
       format('role %s has no USAGE on schema %I, where %s partition(s) are, the first being %s', current_user, l.nspname, count(DISTINCT l.oid), min(l.name)),
       format('GRANT USAGE ON SCHEMA %I TO %I', l.nspname, current_user)
  FROM leaf l
 WHERE NOT has_schema_privilege(l.schema, 'USAGE')
 GROUP BY l.nspname
UNION ALL
SELECT 'missing-references', 'error', false,
       format('role %s lacks REFERENCES on %s referenced partition(s), the first being %s', current_user, count(*), min(l.name)),
       format('GRANT REFERENCES ON %s TO %I, for each', min(l.name), current_user)
  FROM leaf l
 WHERE l.side = 'referenced'
   AND EXISTS (SELECT FROM jsonb_array_elements_text(:'referenced_column_names'::jsonb) e(name)
                WHERE NOT has_column_privilege(l.oid, e.name, 'REFERENCES'))
HAVING count(*) > 0
:end
