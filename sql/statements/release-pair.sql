-- Drops what this migration has added to a pair that no longer exists: its FK and its index, if they exist and as the ledger
-- notes them (constraint_added, index_added).
-- Lock: ACCESS EXCLUSIVE on the two partitions of the former pair, for milliseconds; lock-pair-for-drop has taken it.
-- Blocked by: any transaction that uses either partition; the lock budget limits the wait.
-- Safe because: the parent FK exists, and no partition of its tables loses its guard.
-- not null: pair, sql, lock
:begin
SELECT p.pair, s.sql, 'ACCESS EXCLUSIVE on the two partitions of the former pair' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_name name,
                                                constraint_added boolean, index_name name, index_added boolean)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 CROSS JOIN LATERAL (
       SELECT 1 AS n, format('ALTER TABLE %I.%I DROP CONSTRAINT %I', an.nspname, a.relname, c.conname) AS sql
         FROM pg_constraint c
        WHERE p.constraint_added AND c.conrelid = a.oid AND c.confrelid = p.referenced_oid AND c.contype = 'f'
          AND c.conparentid = 0 AND c.conname = p.constraint_name
       UNION ALL
       -- An index that a partitioned table's index or a constraint has taken over is not ours any more.
       SELECT 2, format('DROP INDEX %I.%I', an.nspname, i.relname)
         FROM pg_index x
         JOIN pg_class i ON i.oid = x.indexrelid
        WHERE p.index_added AND x.indrelid = a.oid AND i.relname = p.index_name AND NOT i.relispartition
          -- On the FK's columns, or on casts of them: the name may be another migration's by now.
          AND (SELECT array_agg(DISTINCT c.attname ORDER BY c.attname)
                 FROM pg_depend d
                 JOIN pg_attribute c ON c.attrelid = d.refobjid AND c.attnum = d.refobjsubid
                WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid)
              = (SELECT array_agg(e::name ORDER BY e::name) FROM jsonb_array_elements_text(:'column_names'::jsonb) e)
          AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid AND c.contype IN ('p', 'u', 'x'))) s
 ORDER BY p.pair, s.n
:end
