-- Without a valid parent FK the pair FKs are all that guards the rows, so they stay.
DO $parent$
BEGIN
  IF NOT EXISTS (SELECT FROM p2pfk.migration m
                   JOIN pg_constraint c ON c.conrelid = m.table_oid AND c.confrelid = m.referenced_oid AND c.conname = m.constraint_name
                  WHERE m.id = current_setting('p2pfk.script_migration')::bigint AND c.contype = 'f' AND c.convalidated
                    AND pg_get_constraintdef(c.oid) = m.definition) THEN
    RAISE EXCEPTION 'the parent foreign key is not as it was, or not valid: the pair foreign keys stay';
  END IF;
END
$parent$;
