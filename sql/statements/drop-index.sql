-- Drops an index that p2pfk built: an INVALID leftover before its rebuild, or all of them in a rollback. No row: the partition
-- has no index of that name, or the index belongs to another object by now (an index of the partitioned table adopts equivalent
-- indexes of its partitions).
-- Lock: SHARE UPDATE EXCLUSIVE on the referencing leaf. Blocks no reader and no writer. Runs outside a transaction.
-- Blocked by: transactions that still use the index (it waits for them).
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', an.nspname, p.index_name) AS sql,
       'SHARE UPDATE EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, index_name name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_index x ON x.indrelid = a.oid
  JOIN pg_class i ON i.oid = x.indexrelid AND i.relname = p.index_name AND NOT i.relispartition
 WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid AND c.contype IN ('p', 'u', 'x'))
   -- On the FK's columns, or on casts of them: the name may be another migration's by now.
   AND (SELECT array_agg(DISTINCT c.attname ORDER BY c.attname)
          FROM pg_depend d
          JOIN pg_attribute c ON c.attrelid = d.refobjid AND c.attnum = d.refobjsubid
         WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid
           AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid)
       = (SELECT array_agg(e::name ORDER BY e::name) FROM jsonb_array_elements_text(:'column_names'::jsonb) e)
 ORDER BY p.pair
:end
