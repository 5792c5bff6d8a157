-- Forgets pairs that are no more: a partition was detached or dropped while the migration rested.
DELETE FROM p2pfk.pair k
 WHERE k.migration_id = :'migration_id'::bigint
   AND NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
                    WHERE p.referencing_oid = k.referencing_oid AND p.referenced_oid = k.referenced_oid);
