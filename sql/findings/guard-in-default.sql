-- The guard on a DEFAULT partition (or below one) evaluates the partition constraint when a key column changes, because that
-- changes with each sibling. Reading it requires the right to use the schema of each type, operator and collation in it: an
-- application's role without that right can then not change a key there, even where the row would stay. On other partitions the
-- guard needs no right at all.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE step AS (
  SELECT DISTINCT p.referenced_oid AS leaf, p.referenced_oid AS child
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referenced_oid oid)
  UNION ALL
  SELECT s.leaf, i.inhparent FROM step s JOIN pg_inherits i ON i.inhrelid = s.child
), asking AS (
  SELECT DISTINCT s.leaf
    FROM step s JOIN pg_class c ON c.oid = s.child
   WHERE pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'
     AND coalesce((:'options'::jsonb -> 'rowMovementGuard')::boolean, true)
     AND :'actions'::text ~ 'ON DELETE (CASCADE|SET NULL|SET DEFAULT)'
), needed AS (
  SELECT DISTINCT a.leaf, x.namespace
    FROM asking a
    JOIN step s ON s.leaf = a.leaf
    JOIN pg_partitioned_table p ON p.partrelid = s.child
   CROSS JOIN LATERAL unnest(p.partattrs::int2[], p.partclass::oid[], p.partcollation::oid[]) k(attnum, opclass, coll)
    JOIN pg_attribute at ON at.attrelid = p.partrelid AND at.attnum = k.attnum AND k.attnum > 0
    JOIN pg_type t ON t.oid = at.atttypid
    JOIN pg_opclass o ON o.oid = k.opclass
    LEFT JOIN pg_collation co ON co.oid = k.coll
   CROSS JOIN LATERAL (SELECT t.typnamespace
                       UNION SELECT co.collnamespace WHERE co.oid IS NOT NULL
                       UNION SELECT r.oprnamespace FROM pg_amop m JOIN pg_operator r ON r.oid = m.amopopr
                              WHERE m.amopfamily = o.opcfamily AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype) x(namespace)
   WHERE x.namespace <> 'pg_catalog'::regnamespace
)
SELECT 'guard-in-default' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('these roles can no longer change a partition key inside a DEFAULT partition (%s), as they may not use the schema of its type: %s',
              string_agg(DISTINCT format('%I.%I', n.nspname, c.relname), ', '), string_agg(DISTINCT format('%I (schema %I)', r.rolname, tn.nspname), ', ')) AS message,
       'GRANT USAGE ON SCHEMA to these roles, then plan again' AS remedy
  FROM needed x
  JOIN pg_class c ON c.oid = x.leaf
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_namespace tn ON tn.oid = x.namespace
  JOIN pg_roles r ON NOT has_schema_privilege(r.oid, x.namespace, 'USAGE')
                 AND (has_any_column_privilege(r.oid, :'referenced_oid'::oid, 'UPDATE') OR has_any_column_privilege(r.oid, x.leaf, 'UPDATE'))
HAVING count(*) > 0
:end
