-- One migration, and whether its parent FK stands now: that is read from the catalog, not remembered.
SELECT m.*, m.id::text AS id,
       (SELECT c.oid FROM pg_constraint c
         WHERE c.conrelid = m.table_oid AND c.confrelid = m.referenced_oid AND c.contype = 'f'
           AND c.conparentid = 0 AND c.conname = m.constraint_name) AS constraint_oid,
       m.options ->> 'deadline' IS NOT NULL AND (m.options ->> 'deadline')::timestamptz <= now() AS window_closed
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint;
