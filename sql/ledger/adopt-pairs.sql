-- Makes existing pair FKs those of the migration, so that a rollback drops them; but not their indexes, because it is not known
-- who built them. `root_constraint`: a child of the parent FK on a leaf had the parent FK's name, unless another constraint of
-- the leaf has it.
UPDATE p2pfk.pair k
   SET constraint_added = true, constraint_name = p.constraint_name,
       root_constraint = CASE WHEN k.root_constraint IS NULL
                                AND NOT EXISTS (SELECT 1 FROM pg_constraint c
                                                 WHERE c.conrelid = p.referencing_oid AND c.conname = :'constraint_name'::name AND c.oid <> p.constraint_oid)
                              THEN :'constraint_name'::text ELSE k.root_constraint END,
       state = CASE WHEN p.validated THEN 'validated' ELSE 'added' END,
       former_name = coalesce((SELECT f.name FROM jsonb_to_recordset(:'former_names'::jsonb) AS f(referencing_oid oid, referenced_oid oid, name text)
                                WHERE f.referencing_oid = p.referencing_oid AND f.referenced_oid = p.referenced_oid), k.former_name)
  FROM jsonb_to_recordset(:'pairs'::jsonb)
       AS p(referencing_oid oid, referenced_oid oid, constraint_oid oid, constraint_name text, validated boolean)
 WHERE k.migration_id = :'migration_id'::bigint AND p.constraint_oid IS NOT NULL
   AND k.referencing_oid = p.referencing_oid AND k.referenced_oid = p.referenced_oid;
