-- Drops the guards that this migration created on the referenced leaves of :pairs, if no pair FK of this migration to them is
-- left except those of :pairs. Also the guard of an older version, which is on the referenced table: PostgreSQL drops its copies
-- on the partitions with it.
-- Lock: ACCESS EXCLUSIVE on the leaf, or on the referenced table and its partitions, for milliseconds.
-- Blocked by: any transaction that uses any of them; the lock budget limits the wait.
-- Safe because: it runs in the transaction that drops the last pair FK to that leaf, or after it.
-- not null: pair, sql, lock
:begin
SELECT p.pair, format('DROP TRIGGER %I ON %I.%I', g.tgname, n.nspname, t.relname) AS sql,
       CASE t.relkind WHEN 'p' THEN 'ACCESS EXCLUSIVE on the referenced table and its partitions'
                      ELSE 'ACCESS EXCLUSIVE on the referenced partition' END AS lock
  FROM (SELECT j.referenced_oid, min(j.pair) AS pair, array_agg(j.referencing_oid) AS referencing
          FROM jsonb_to_recordset(:'pairs'::jsonb) AS j(pair int, referencing_oid oid, referenced_oid oid)
         GROUP BY j.referenced_oid) p
  JOIN pg_trigger g ON g.tgrelid = p.referenced_oid AND g.tgparentid = 0
                   AND g.tgname IN ('~p2pfk_row_movement_guard_' || :'migration_id'::text, 'p2pfk_row_movement_guard_' || :'migration_id'::text)
  JOIN pg_class t ON t.oid = g.tgrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE NOT EXISTS (SELECT 1
                     FROM p2pfk.pair k
                     JOIN pg_constraint c ON c.conrelid = k.referencing_oid AND c.confrelid = k.referenced_oid
                                         AND c.contype = 'f' AND c.conparentid = 0
                    WHERE k.migration_id::text = :'migration_id'::text AND k.referenced_oid = p.referenced_oid AND k.constraint_added
                      AND (k.referencing_oid = ANY (p.referencing)) IS NOT TRUE)
 ORDER BY p.pair
:end
