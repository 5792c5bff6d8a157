-- Removes pairs that no longer exist (because a partition was detached, dropped or given another bound while the migration was
-- paused), if nothing of ours is left on the referencing partition. ledger/gone-pairs has the others, which are cleaned up first.
DELETE FROM p2pfk.pair k
 WHERE k.migration_id = :'migration_id'::bigint
   AND NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
                    WHERE p.referencing_oid = k.referencing_oid AND p.referenced_oid = k.referenced_oid)
   AND (NOT (k.constraint_added OR k.index_added)
        OR NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = k.referencing_oid));
