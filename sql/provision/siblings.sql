-- The pairs directly below one referencing parent, largest first: examples for the new pair's names, and which table the
-- referenced partitions belong to.
--
-- `..._schema` is the schema for a new partition beside them. The owner of a schema can drop each table in it, and the owner of a
-- partition can move it to its own schema. So it is the partition's schema only where the schema's owner could drop the parent as
-- well, that is, where it has the rights of the parent's owner or of the owner of the parent's schema, or owns the database;
-- otherwise it is the parent's schema.
-- not null: referencing_schema, referencing_name, referenced_schema, referenced_name, bound, referenced_parent_oid
WITH beside AS (
  SELECT c.oid, c.relname, i.inhparent AS parent,
         CASE WHEN pg_has_role(n.nspowner, q.relowner, v.mode) OR pg_has_role(n.nspowner, m.nspowner, v.mode)
                   OR n.nspowner = d.datdba OR pg_get_userbyid(n.nspowner) = 'pg_database_owner'
              THEN n.nspname ELSE m.nspname END AS schema
    FROM (SELECT p.referencing_oid AS oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid)
          UNION
          SELECT p.referenced_oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referenced_oid oid)) s
    JOIN pg_class c ON c.oid = s.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_inherits i ON i.inhrelid = c.oid
    JOIN pg_class q ON q.oid = i.inhparent JOIN pg_namespace m ON m.oid = q.relnamespace
    JOIN pg_database d ON d.datname = current_database()
   CROSS JOIN (SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET, USAGE' ELSE 'MEMBER' END AS mode) v
)
SELECT a.schema AS referencing_schema, a.relname AS referencing_name,
       b.schema AS referenced_schema, b.relname AS referenced_name,
       pg_get_expr(c.relpartbound, c.oid) AS bound, b.parent AS referenced_parent_oid
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN beside a ON a.oid = p.referencing_oid AND a.parent = :'referencing_parent_oid'::oid
  JOIN pg_class c ON c.oid = a.oid
  JOIN beside b ON b.oid = p.referenced_oid
 ORDER BY p.pair;
