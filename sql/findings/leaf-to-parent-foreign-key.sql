-- Foreign keys of single referencing partitions to the whole referenced table, where the table itself has none: left over from a
-- rollback that did not finish and whose ledger is lost, or from a partition that kept its own when it was detached. TRUNCATE ...
-- CASCADE and DETACH PARTITION on the referenced side behave as before the migration, so it is not complete.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE leaf AS (
  SELECT i.inhrelid AS oid FROM pg_inherits i WHERE i.inhparent = :'referencing_oid'::oid
  UNION ALL
  SELECT i.inhrelid FROM leaf l JOIN pg_inherits i ON i.inhparent = l.oid
), found AS (
  SELECT format('%I of %I.%I', c.conname, n.nspname, r.relname) AS name
    FROM pg_constraint c
    JOIN leaf l ON l.oid = c.conrelid
    JOIN pg_class r ON r.oid = c.conrelid
    JOIN pg_namespace n ON n.oid = r.relnamespace
   WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid = :'referenced_oid'::oid
     AND (SELECT jsonb_agg(a.attname ORDER BY a.attname)
            FROM unnest(c.conkey) k(attnum) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum)
         = (SELECT jsonb_agg(e ORDER BY e COLLATE "C") FROM jsonb_array_elements_text(:'column_names'::jsonb) e)
)
SELECT 'leaf-to-parent-foreign-key' AS id, 'error' AS severity, false AS needs_acceptance,
       format('%s partition(s) of %s have a foreign key to the whole of %s, and the table itself has none: %s%s; TRUNCATE ... CASCADE and DETACH meet them all, as before the migration',
              count(*), :'table'::text, :'referenced_table'::text, string_agg(f.name, ', ' ORDER BY f.name) FILTER (WHERE f.n <= 3),
              CASE WHEN count(*) > 3 THEN format(' and %s more', count(*) - 3) ELSE '' END) AS message,
       format('p2pfk audit --table %s --fix --run drops each one whose pair foreign key holds', :'table_argument'::text) AS remedy
  FROM (SELECT f.name, row_number() OVER (ORDER BY f.name) AS n FROM found f) f
 WHERE :'constraint_oid'::text = ''
   AND coalesce(:'ledger'::jsonb -> 'entry' ->> 'state', '') <> 'rolling-back'
HAVING count(*) > 0
:end
