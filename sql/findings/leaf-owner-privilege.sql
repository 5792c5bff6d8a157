-- Rights that the owners of partitions lack. The check of an INSERT reads the referenced partition as that partition's owner, and
-- the action of a DELETE or UPDATE works on the referencing partition as that partition's owner; with the parent FK, both did so
-- as the owner of the partitioned table. A row lock (FOR KEY SHARE) needs UPDATE on some column. Without such a right an INSERT
-- or DELETE of the application fails with 42501, or VALIDATE does. An owner may have revoked a right from itself.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH leaf AS (
  SELECT DISTINCT s.side, s.oid, c.relowner AS role, n.oid AS schema, n.nspname, format('%I.%I', n.nspname, c.relname) AS name
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
   CROSS JOIN LATERAL (VALUES ('referencing', p.referencing_oid), ('referenced', p.referenced_oid)) s(side, oid)
    JOIN pg_class c ON c.oid = s.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r'
), suspect AS MATERIALIZED (
  -- Nearly every owner has all rights on its own table: those partitions need no closer look, and this runs under the drop's locks.
  SELECT l.*
    FROM leaf l
   WHERE NOT (has_table_privilege(l.role, l.oid, 'SELECT') AND has_table_privilege(l.role, l.oid, 'UPDATE')
              AND has_table_privilege(l.role, l.oid, 'DELETE'))
), owner AS MATERIALIZED (
  SELECT l.role, min(l.name) AS name, count(*) AS leaves FROM leaf l GROUP BY l.role
), looked_at AS (
  -- The columns by which rows are found, and those that an action changes.
  SELECT l.*, a.attnum,
         l.side = 'referencing'
           AND (:'actions'::text ~ 'ON UPDATE (CASCADE|SET)'
                OR :'actions'::text ~ 'ON DELETE SET'
                   AND (d.list IS NULL OR strpos(', ' || d.list || ', ', ', ' || quote_ident(a.attname) || ', ') > 0)) AS changed
    FROM suspect l
   CROSS JOIN LATERAL jsonb_array_elements_text(CASE l.side WHEN 'referencing' THEN :'column_names'::jsonb
                                                            ELSE :'referenced_column_names'::jsonb END) e(name)
    JOIN pg_attribute a ON a.attrelid = l.oid AND a.attname = e.name::name
   CROSS JOIN (SELECT (regexp_match(:'actions'::text, 'ON DELETE SET (?:NULL|DEFAULT) \((.*?)\)'))[1] AS list) d
), operator AS (
  SELECT o.oprcode AS function, format('%I.%I', fn.nspname, f.proname) AS function_name, f.proargtypes, x.schema
    FROM pg_constraint c
   CROSS JOIN LATERAL unnest(c.conpfeqop) u(oid)
    JOIN pg_operator o ON o.oid = u.oid
    JOIN pg_proc f ON f.oid = o.oprcode JOIN pg_namespace fn ON fn.oid = f.pronamespace
    LEFT JOIN pg_type lt ON lt.oid = o.oprleft
    LEFT JOIN pg_type rt ON rt.oid = o.oprright
   -- The query names the operator, and the types that it casts to, with their schemas.
   CROSS JOIN LATERAL (VALUES (o.oprnamespace), (lt.typnamespace), (rt.typnamespace)) x(schema)
   WHERE c.oid = coalesce(nullif(:'constraint_oid'::text, '')::oid,
                          (SELECT p.constraint_oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(constraint_oid oid)
                            WHERE p.constraint_oid IS NOT NULL LIMIT 1))
), missing(role, privilege, object, first_leaf, leaves, remedy) AS (
  SELECT l.role, 'USAGE', format('schema %I', l.nspname), l.name, l.leaves, format('GRANT USAGE ON SCHEMA %I TO %I', l.nspname, pg_get_userbyid(l.role))
    FROM (SELECT l.role, l.schema, l.nspname, min(l.name) AS name, count(*) AS leaves FROM leaf l GROUP BY 1, 2, 3) l
   WHERE NOT has_schema_privilege(l.role, l.schema, 'USAGE')
  UNION ALL
  SELECT DISTINCT l.role, 'USAGE', format('schema %I', n.nspname), l.name, l.leaves, format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, pg_get_userbyid(l.role))
    FROM owner l
   CROSS JOIN operator o
    JOIN pg_namespace n ON n.oid = o.schema
   WHERE NOT has_schema_privilege(l.role, n.oid, 'USAGE')
     AND NOT EXISTS (SELECT FROM leaf x WHERE x.role = l.role AND x.schema = n.oid)
  UNION ALL
  SELECT DISTINCT l.role, 'EXECUTE', format('function %s', o.function::oid::regprocedure), l.name, l.leaves,
         format('GRANT EXECUTE ON FUNCTION %s TO %I', o.function::oid::regprocedure, pg_get_userbyid(l.role))
    FROM owner l
   CROSS JOIN operator o
   WHERE NOT has_function_privilege(l.role, o.function::oid, 'EXECUTE')
  UNION ALL
  SELECT DISTINCT l.role, 'SELECT', l.name, l.name, 1::bigint, format('GRANT SELECT ON %s TO %I', l.name, pg_get_userbyid(l.role))
    FROM looked_at l
   WHERE NOT has_column_privilege(l.role, l.oid, l.attnum, 'SELECT')
  UNION ALL
  SELECT l.role, 'UPDATE', l.name, l.name, 1::bigint, format('GRANT UPDATE ON %s TO %I', l.name, pg_get_userbyid(l.role))
    FROM suspect l
   WHERE NOT has_any_column_privilege(l.role, l.oid, 'UPDATE')
     AND (l.side = 'referenced' OR :'actions'::text !~ 'ON DELETE (CASCADE|SET)' OR :'actions'::text !~ 'ON UPDATE (CASCADE|SET)')
      OR EXISTS (SELECT FROM looked_at c
                  WHERE c.oid = l.oid AND c.side = l.side AND c.changed AND NOT has_column_privilege(l.role, l.oid, c.attnum, 'UPDATE'))
  UNION ALL
  SELECT l.role, 'DELETE', l.name, l.name, 1::bigint, format('GRANT DELETE ON %s TO %I', l.name, pg_get_userbyid(l.role))
    FROM suspect l
   WHERE l.side = 'referencing' AND :'actions'::text ~ 'ON DELETE CASCADE' AND NOT has_table_privilege(l.role, l.oid, 'DELETE')
), listed AS (
  -- One finding a role and privilege: a table may have hundreds of partitions.
  SELECT pg_get_userbyid(g.role) AS role, g.privilege, sum(g.leaves) AS leaves, count(*) AS objects, min(g.first_leaf) AS first_leaf,
         string_agg(g.object, ', ' ORDER BY g.object) FILTER (WHERE g.n <= 5)  AS names,
         string_agg(g.remedy, '; ' ORDER BY g.object) FILTER (WHERE g.n <= 20) AS remedies
    FROM (SELECT g.*, row_number() OVER (PARTITION BY g.role, g.privilege ORDER BY g.object) AS n FROM missing g) g
   GROUP BY g.role, g.privilege
)
SELECT 'leaf-owner-privilege' AS id, 'error' AS severity, false AS needs_acceptance,
       format('pair foreign keys read and change a partition as its owner, and role %s lacks %s on %s%s: it owns %s%s', l.role, l.privilege, l.names,
              CASE WHEN l.objects > 5 THEN format(' and %s more', l.objects - 5) ELSE '' END, l.first_leaf,
              CASE WHEN l.leaves > 1 THEN format(' and %s more', l.leaves - 1) ELSE '' END) AS message,
       l.remedies || CASE WHEN l.objects > 20 THEN format('; and %s more', l.objects - 20) ELSE '' END
         || '; or give the partitions the owner of their table' AS remedy
  FROM listed l
 ORDER BY l.role, l.privilege
:end
