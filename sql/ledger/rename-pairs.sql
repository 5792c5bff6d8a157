-- Notes the new names of pair FKs, in the transaction that renames them, and the names that a rollback restores.
UPDATE p2pfk.pair k
   SET constraint_name = p.constraint_name, former_name = p.former_name
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid, constraint_name text, former_name text)
 WHERE k.migration_id = :'migration_id'::bigint
   AND k.referencing_oid = p.referencing_oid AND k.referenced_oid = p.referenced_oid;
