-- After the drop, still in its transaction: checks that no foreign key of the former shape is left on the table or a leaf of it.
DO $dropped$
BEGIN
  IF EXISTS (SELECT FROM p2pfk.migration m
              CROSS JOIN LATERAL pg_partition_tree(m.table_oid) t
               JOIN pg_constraint c ON c.conrelid = t.relid AND c.contype = 'f' AND c.confrelid = m.referenced_oid
                AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') = m.definition
              WHERE m.id = current_setting('p2pfk.script_migration')::bigint) THEN
    RAISE EXCEPTION 'a foreign key of the former shape is still there';
  END IF;
END
$dropped$;
