-- Whether each partition of :pairs has the owner of its table, and that role all rights on it that a foreign key needs. Then the findings
-- leaf-owner-code and leaf-owner-privilege look at nothing of these partitions that drop-fingerprint.sql does not cover: neither at
-- functions, expressions and domains, nor at the rights on single columns.
-- not null: plain
:begin
SELECT coalesce(bool_and(c.relowner = r.relowner AND has_table_privilege(c.relowner, c.oid, 'SELECT')
                         AND has_table_privilege(c.relowner, c.oid, 'UPDATE') AND has_table_privilege(c.relowner, c.oid, 'DELETE')), true) AS plain
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
 CROSS JOIN LATERAL (VALUES (p.referencing_oid, :'referencing_oid'::oid), (p.referenced_oid, :'referenced_oid'::oid)) s(leaf, root)
  JOIN pg_class c ON c.oid = s.leaf
  JOIN pg_class r ON r.oid = s.root
:end
