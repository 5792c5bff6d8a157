-- Makes a table a partition. PostgreSQL itself refuses a bound that overlaps another. :'bound' has the bound's parts; every
-- literal in it is quoted here, so no text of a person gets into the statement.
-- Lock: SHARE UPDATE EXCLUSIVE on the partitioned table, which blocks no reader and no writer; ACCESS EXCLUSIVE on its DEFAULT
--   partition, which is scanned for rows that belong to the new one; ACCESS EXCLUSIVE on the new table itself.
-- Blocked by: see lock-for-attach-partition, which has taken all of them.
-- Safe because: the new table is empty, so scanning it and building its indexes take no time.
-- not null: sql, lock
SELECT format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I %s', n.nspname, c.relname, :'schema'::text, :'name'::text,
              CASE b.parts ->> 'strategy'
                WHEN 'list'  THEN format('FOR VALUES IN (%s)', l.in_values)
                WHEN 'range' THEN format('FOR VALUES FROM (%s) TO (%s)', l.from_values, l.to_values)
                WHEN 'hash'  THEN format('FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                                         (b.parts ->> 'modulus')::int, (b.parts ->> 'remainder')::int)
                ELSE 'DEFAULT' END) AS sql,
       'SHARE UPDATE EXCLUSIVE on the partitioned table alone'
         || CASE WHEN p.partdefid <> 0 THEN '; ACCESS EXCLUSIVE on its DEFAULT partition' ELSE '' END AS lock
  FROM pg_class c
  JOIN pg_partitioned_table p ON p.partrelid = c.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN (SELECT :'bound'::jsonb) b(parts)
 CROSS JOIN LATERAL (
       SELECT string_agg(v.text, ', ' ORDER BY v.n) FILTER (WHERE v.part = 'values') AS in_values,
              string_agg(v.text, ', ' ORDER BY v.n) FILTER (WHERE v.part = 'from')   AS from_values,
              string_agg(v.text, ', ' ORDER BY v.n) FILTER (WHERE v.part = 'to')     AS to_values
         FROM (SELECT p.part, e.n,
                      CASE WHEN e.item ->> 'keyword' IN ('NULL', 'MINVALUE', 'MAXVALUE') THEN e.item ->> 'keyword'
                           ELSE quote_literal(e.item ->> 'literal') END AS text
                 FROM (VALUES ('values'), ('from'), ('to')) p(part)
                CROSS JOIN LATERAL jsonb_array_elements(coalesce(b.parts -> p.part, '[]')) WITH ORDINALITY e(item, n)) v) l
 WHERE c.oid = :'parent_oid'::oid;
