-- INVALID indexes on the referencing partitions whose leading columns are the FK's: leftovers of interrupted builds. An index
-- that is being built now is no leftover. `owned`: it belongs to an index of the partitioned table, or to a constraint, and can
-- only be rebuilt, not dropped.
-- not null: pair, index_name, owned
SELECT p.pair, ic.relname AS index_name,
       EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = x.indexrelid)
         OR EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('p', 'u', 'x')) AS owned
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid)
  JOIN pg_index x ON x.indrelid = p.referencing_oid AND NOT x.indisvalid
  JOIN pg_class ic ON ic.oid = x.indexrelid
 WHERE (SELECT jsonb_agg(a.attname ORDER BY a.attname)
          FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(attnum, n)
          JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
         WHERE k.n <= least(jsonb_array_length(:'column_names'::jsonb), x.indnkeyatts))
       = (SELECT jsonb_agg(e ORDER BY e COLLATE "C") FROM jsonb_array_elements_text(:'column_names'::jsonb) e)
   AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index b WHERE b.index_relid = x.indexrelid)
 ORDER BY p.pair, 2;
