-- Pairs of the migration that no longer exist, with something of ours on the referencing partition, which still exists.
-- not null: pair, referencing_oid, referencing, referenced_oid, referenced, constraint_name, constraint_added, index_name, index_added
:begin
SELECT k.pair, k.referencing_oid, k.referencing, k.referenced_oid, k.referenced, k.constraint_name, k.constraint_added,
       k.index_name, k.index_added
  FROM p2pfk.pair k
 WHERE k.migration_id = :'migration_id'::bigint AND (k.constraint_added OR k.index_added)
   AND NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
                    WHERE p.referencing_oid = k.referencing_oid AND p.referenced_oid = k.referenced_oid)
   AND EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = k.referencing_oid)
 ORDER BY k.pair
:end
